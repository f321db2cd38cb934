"""Blocks of a network that are compiled each by itself.

A network repeats few blocks many times: what is compiled of one serves all of its shape, so the first call takes a
fraction of what the whole network takes, and what lies between them (a handful of convolutions) is asked as ever.

    down  [resnet][attention] [resnet][attention] ...      one compilation for each shape of a block, not for each block
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.runtime.speed.nests import Beside, alike, kind_of, nothing_beside

# A block is compiled for each of its shapes, and for each way it is asked: without an anchor, against one, with it.
MOST_SHAPES = 128

# How far compiled blocks may be from the network's own, as a share of the largest number: rounding in half precision.
ALIKE = 3e-2


class Regions:
    """The blocks of `network` of these class names, compiled; without any, all of it. What is compiled stays in
    `folder` for other processes.

    The first call of each kind is compared with what the network gives by itself. Where it differs, or nothing can be
    compiled on this machine, `failed` says so and the network is asked as ever.
    """

    def __init__(
        self,
        network: Any,
        blocks: Collection[str],
        folder: Path,
        beside: Beside = nothing_beside,
        backend: Any = "inductor",
    ) -> None:
        prepare(folder)
        self.network, self.beside, self.failed = network, beside, ""
        parts = [part for part in network.modules() if type(part).__name__ in blocks] or [network]
        self.fast = [(part, torch.compile(part.forward, dynamic=False, backend=backend)) for part in parts]
        self._known: set[Hashable] = set()

    @contextmanager
    def on(self) -> Iterator[None]:
        """While this holds, the blocks are those that are compiled."""
        for part, fast in self.fast:
            part.forward = fast
        try:
            yield
        finally:
            for part, _ in self.fast:
                del part.forward

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Ask the network."""
        return self.ask(self.network, *args, **more)

    def __getattr__(self, name: str) -> Any:
        """What is known of the network."""
        return getattr(self.network, name)

    def ask(self, way: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Ask the network, or a method of it."""
        if self.failed:
            return way(*args, **more)
        beside = self.beside()
        kind = getattr(way, "__name__", ""), kind_of((args, more)), None if beside is None else beside.places
        expected = way(*args, **more) if kind not in self._known else None
        try:
            with self.on():
                given = way(*args, **more)
            if expected is None or alike(_plain(given), _plain(expected), ALIKE):
                self._known.add(kind)
                return given
            self.failed = "what was compiled gives another picture"
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, ImportError, OSError) as error:
            self.failed = str(error).strip().split("\n")[0] or type(error).__name__
        return way(*args, **more) if expected is None else expected


def _plain(given: Any) -> Any:
    """The tensors of a result: diffusers' are dicts with attributes, or hold a distribution."""
    if hasattr(given, "latent_dist"):
        return given.latent_dist.parameters
    return dict(given) if isinstance(given, dict) else given


def prepare(folder: Path) -> None:
    """Have what is compiled kept in `folder`, and room for all shapes of a block."""
    # torch names a folder for temporary files as soon as it is imported: that is nobody's choice.
    if Path(os.environ.get("TORCHINDUCTOR_CACHE_DIR", "torchinductor_")).name.startswith("torchinductor_"):
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    os.environ.setdefault("TORCHINDUCTOR_FX_GRAPH_CACHE", "1")
    config: Any = torch._dynamo.config
    config.cache_size_limit = MOST_SHAPES
    config.accumulated_cache_size_limit = max(config.accumulated_cache_size_limit, 2 * MOST_SHAPES)
