"""Work on a GPU that is recorded as one CUDA graph: started once, instead of kernel by kernel."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import torch

Given = TypeVar("Given")


class Recorder(Protocol):
    """Records what a function starts: gives what does it all again, and what it gave, which that fills anew.

    Raises RuntimeError where it can't be recorded.
    """

    def __call__(self, work: Callable[[], Given], /) -> tuple[Callable[[], None], Given]:
        """`work` may start kernels only; it asks for no values."""


class GraphRecorder:
    """Records CUDA graphs; what they need between their kernels they share, as no two are played at once.

    Memory that torch only keeps is given back before a recording where there should be room for a large one.
    """

    def __init__(self, make_room: bool = False) -> None:
        self.make_room = make_room
        self._pool, self._stream = torch.cuda.graph_pool_handle(), torch.cuda.Stream()

    def __call__(self, work: Callable[[], Given], /) -> tuple[Callable[[], None], Given]:
        """See Recorder."""
        graph, here = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
        if self.make_room:
            torch.cuda.synchronize()
            torch.cuda.empty_cache()
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            # What other threads ask of the driver meanwhile is theirs.
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                given = work()
            except BaseException:
                with suppress(RuntimeError):  # of a recording that is broken already
                    graph.capture_end()
                raise
            graph.capture_end()
        here.wait_stream(self._stream)
        return graph.replay, given
