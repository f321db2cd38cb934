"""How much does a restyled clip flicker? Warp error of consecutive frames against the source's.

    python tests/benchmarks/flicker.py CLIP [--frames 8] [--first 20] [--step 2]

Three ways of making every frame, with tiny-sd: each by itself with a fixed seed; each against the first as its anchor;
every `step`-th against the anchor and the frames between carried along the motion (`--mode every`). 1 is as steady as
the source.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from agreement import BASE, bundled, read

from restrip.looks import open_look
from restrip.looks.diffusion.consistency.agreement import agreement
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import FrameRange, Key


class Window:
    """Frames in memory, as propagation reads them."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.all, self.frames, self.size = frames, FrameRange(0, len(frames)), frames[0].size

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return self.all[n]


def stylized(frames: Sequence[Frame], numbers: Sequence[int], size: tuple[int, int], *, anchor: bool) -> list[Frame]:
    settings = {**BASE, "width": size[0], "height": size[1], "anchor": anchor}
    look = open_look("sd:tiny", settings)
    chosen, keys = [frames[n] for n in numbers], [Key(n) for n in numbers]
    against = (frames[0], Key(0)) if anchor else None
    return [one.picture for one in look.stylize(chosen, keys, silent, against)]


def between(frames: Sequence[Frame], numbers: Sequence[int], styled: Sequence[Frame]) -> list[Frame]:
    """Every frame: keys as they are, the others carried from both neighbours."""
    out: dict[int, Frame] = dict(zip(numbers, styled, strict=True))
    keys = [StyledKey(n, frames[n], picture) for n, picture in zip(numbers, styled, strict=True)]
    for left, right in pairwise(keys):
        part = Window(frames)
        part.frames = FrameRange(left.frame, right.frame)
        carried = propagate(part, (left, right), PropagateSettings(baked=True), silent)
        for n, one in enumerate(carried, left.frame):
            if one.baked is not None:
                out.setdefault(n, one.baked)
    return [out[n] for n in sorted(out)]


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", nargs="?", default=str(bundled("bigbuckbunny.mp4")))
    parser.add_argument("--first", type=int, default=30)
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("--step", type=int, default=2)
    parser.add_argument("--size", default="256x192")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    width, height = map(int, options.size.split("x"))
    size = (width, height)
    frames = read(options.clip, list(range(options.first, options.first + options.frames)), size)
    sources = [frame.rgb for frame in frames]
    every, some = list(range(len(frames))), list(range(0, len(frames), options.step))
    print(f"{options.clip}, {len(frames)} frames of {width}x{height}")
    for name, make in {
        "each frame, fixed seed": lambda: stylized(frames, every, size, anchor=False),
        "each frame, anchor": lambda: stylized(frames, every, size, anchor=True),
        f"every {options.step}, carried": lambda: between(frames, some, stylized(frames, some, size, anchor=True)),
    }.items():
        begun = time.process_time()
        made = [np.asarray(frame.rgb8()) for frame in make()]
        found = agreement(sources[: len(made)], made)
        print(
            f"{name:26s} {found.relative:6.2f} x the source's, gradient energy {found.energy:7.1f}, "
            f"correlation {found.correlation:.3f}, {time.process_time() - begun:4.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
