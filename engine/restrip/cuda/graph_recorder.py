"""Work on a GPU that is recorded as one CUDA graph: started once, instead of kernel by kernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Protocol, TypeVar

import torch

Given = TypeVar("Given")

# What other threads ask of the driver while something is recorded is theirs.
ERRORS_OF = "thread_local"


class Recorder(Protocol):
    """Records what a function starts: gives what does it all again, and what it gave, which that fills anew.

    Raises RuntimeError where it can't be recorded.
    """

    def __call__(self, work: Callable[[], Given], /) -> tuple[Callable[[], None], Given]:
        """`work` may start kernels only; it asks for no values."""


class GraphRecorder:
    """Records CUDA graphs; what they need between their kernels they share, as no two are played at once.

    With `make_room`, for a large recording, all work is waited for and memory that torch only keeps is given back
    first; without, a recording follows what was started before it, and nothing is waited for.
    """

    def __init__(self, make_room: bool = False) -> None:
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = None if make_room else torch.cuda.Stream()

    def __call__(self, work: Callable[[], Given], /) -> tuple[Callable[[], None], Given]:
        """See Recorder."""
        graph = torch.cuda.CUDAGraph()
        with self._recording(graph):
            given = work()
        return graph.replay, given

    def _recording(self, graph: torch.cuda.CUDAGraph) -> AbstractContextManager[None]:
        if self._stream is None:
            return torch.cuda.graph(graph, pool=self._pool, capture_error_mode=ERRORS_OF)
        return self._following(graph, self._stream)

    @contextmanager
    def _following(self, graph: torch.cuda.CUDAGraph, stream: torch.cuda.Stream) -> Iterator[None]:
        """Record on a stream of the recordings' own, after what this one has begun, which goes on after it."""
        here = torch.cuda.current_stream()
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self._pool, capture_error_mode=ERRORS_OF)
            try:
                yield
            except BaseException:
                with suppress(RuntimeError):  # of a recording that is broken already
                    graph.capture_end()
                raise
            graph.capture_end()
        here.wait_stream(stream)
