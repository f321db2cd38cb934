"""The host's part of propagation on a GPU, without one: python tests/benchmarks/propagation_starts.py

A driver that does nothing takes the place of CUDA's (--target cuda:90). So every Triton kernel of a segment is compiled
for exactly the arguments that it gets, and started as it would be; then the host's time a start is measured. A real
driver adds a few microseconds to each. First comes how many compilations each size of frame takes after those before
it: sizes that multiples of 16 divide, or of 4, or none do, are other kernels to Triton where it isn't told otherwise.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Callable
from itertools import product
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)

import numpy as np
import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver

from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey
from restrip.propagate.gpu.segment_walk import SegmentWalk
from restrip.propagate.gpu.stages import Stages, triton_stages
from restrip.timeline import FrameRange


class Nothing:
    """A driver for a GPU that isn't there: all is accepted, nothing is done but counting starts."""

    def __init__(self, target: GPUTarget) -> None:
        self._target, self.starts, self.utils = target, Counter[str](), self
        self.compiled = Counter[str]()

    def launcher_cls(self, source: Any, metadata: Any) -> Callable[..., None]:
        """What starts a kernel."""

        def start(*args: Any) -> None:
            self.starts[metadata.name] += 1

        return start

    def load_binary(self, name: str, *args: Any) -> tuple[object, object, int, int, int]:
        """A module, a function, registers, spills, and the most threads."""
        self.compiled[name] += 1
        return object(), object(), 0, 0, 1024

    def get_device_properties(self, device: int) -> dict[str, int]:
        """As far as they are asked for."""
        return {"max_shared_mem": 96 << 10}

    def get_current_device(self) -> int:
        """The only one."""
        return 0

    def get_current_stream(self, device: int) -> int:
        """The only one."""
        return 0

    def get_current_target(self) -> GPUTarget:
        """What kernels are compiled for."""
        return self._target


class Noise:
    """Pictures of noise."""

    def __init__(self, size: tuple[int, int], count: int) -> None:
        self.size, self.frames = size, FrameRange(0, count)
        self._picture = Frame(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))

    def frame(self, n: int) -> Frame:
        return self._picture


def carried(size: tuple[int, int], count: int, stages: Stages, strokes: str = "smooth") -> float:
    """CPU seconds of a segment of so many frames."""
    window = Noise(size, count)
    keys = tuple(StyledKey(n, window.frame(n), window.frame(n)) for n in (0, count))
    begin = time.process_time()
    for _ in SegmentWalk(window, keys, PropagateSettings(strokes=strokes, baked=True), silent, stages).frames():
        pass
    return time.process_time() - begin


def main() -> None:
    ask = argparse.ArgumentParser()
    ask.add_argument("--target", default="cuda:90")
    ask.add_argument("--only-compile", action="store_true", help="what a GPU finds in Triton's cache then, and no more")
    given = ask.parse_args()
    api, _, arch = given.target.partition(":")
    nothing, stages = Nothing(GPUTarget(api, int(arch), 32)), triton_stages(torch.device("cpu"))
    torch.set_num_threads(1)
    driver.set_active(nothing)
    sizes = ((160, 96), (148, 84), (131, 75), (130, 80))
    for size, strokes in product(sizes[: 1 if given.only_compile else None], ("smooth", "crisp")):
        nothing.compiled.clear()
        seconds = carried(size, 4, stages, strokes)
        again = ", ".join(sorted(nothing.compiled)) if size != (160, 96) else ""
        print(
            f"{size[0]}x{size[1]}, {strokes}: {nothing.compiled.total()} compilations, {seconds:.0f} CPU s {again}",
            flush=True,
        )
    if given.only_compile:
        return
    print(f"{len(nothing.starts)} kernels in all")
    taken, starts = [], []
    for count in (4, 14):
        nothing.starts.clear()
        taken.append(min(carried((131, 75), count, stages) for _ in range(3)))
        starts.append(sum(nothing.starts.values()) / 3)
    seconds, count = (taken[1] - taken[0]) / 10, (starts[1] - starts[0]) / 10
    print(f"a frame: {count:.0f} starts, {seconds * 1e3:.1f} CPU ms, {seconds / count * 1e6:.0f} us a start")


if __name__ == "__main__":
    main()
