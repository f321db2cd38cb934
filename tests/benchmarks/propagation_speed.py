"""Seconds that propagation takes on the CPU for a frame, both keys and motion included, and as a multiple of two flows.

    python tests/benchmarks/propagation_speed.py CLIP [--sizes 960x540,1920x1080] [--frames 20] [--strokes crisp]

The baseline, in the same process and on the same frames, is OpenCV's DIS optical flow (preset medium) from each key.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import cv2
import numpy as np

from restrip.media import ClipReader, fit_picture
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import ClipRange, FrameRange, Rate


@dataclass
class Window:
    """Frames in memory."""

    kept: list[Frame]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.kept[0].size

    @property
    def frames(self) -> FrameRange:
        """All of them."""
        return FrameRange(0, len(self.kept))

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return self.kept[n]


def read(path: str, size: tuple[int, int], count: int) -> Window:
    """The first `count` frames of a clip, scaled to `size`."""
    with ClipReader(ClipRange((path,), Rate.of(25), count)) as reader:
        return Window([fit_picture(reader.frame(n), size) for n in range(count)])


def styled(frame: Frame) -> Frame:
    """A made-up key: edges kept, details gone, negative."""
    return Frame(np.ascontiguousarray(255 - cv2.bilateralFilter(frame.rgb8(), 9, 60, 9)))


def carry_s(window: Window, strokes: str) -> tuple[float, float]:
    """Wall and CPU seconds of a segment between two keys, for each frame between them."""
    last = len(window.kept) - 1
    left, right = (StyledKey(n, window.frame(n), styled(window.frame(n))) for n in (0, last))
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in propagate(window, (left, right), PropagateSettings(strokes=strokes), silent):
        pass
    return (time.perf_counter() - wall) / (last - 1), (time.process_time() - cpu) / (last - 1)


def flows_s(window: Window) -> float:
    """Wall seconds of a flow from each key, for each frame between them."""
    gray = [cv2.cvtColor(frame.rgb8(), cv2.COLOR_RGB2GRAY) for frame in window.kept]
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    begun = time.perf_counter()
    for seen in gray[1:-1]:
        for key in (gray[0], gray[-1]):
            search.calc(seen, key, None)
    return (time.perf_counter() - begun) / (len(gray) - 2)


def peak_mib() -> float:
    """The most memory that this process had (Linux)."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM"))


def main() -> None:
    """A line a size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip")
    parser.add_argument("--sizes", default="960x540,1920x1080")
    parser.add_argument("--frames", type=int, default=20, help="frames from key to key")
    parser.add_argument("--strokes", default="auto", choices=("auto", "crisp", "smooth"), help="made-up keys agree")
    options = parser.parse_args()
    for name in options.sizes.split(","):
        width, height = (int(part) for part in name.split("x"))
        window = read(options.clip, (width, height), options.frames + 1)
        few = Window([fit_picture(frame, (96, 64)) for frame in window.kept[:3]])
        carry_s(few, options.strokes)  # kernels are compiled or loaded
        before = peak_mib()
        wall, cpu = carry_s(window, options.strokes)
        ratio = wall / flows_s(window)
        grown = peak_mib() - before
        print(
            f"{name}: {wall:.2f} s a frame, CPU {cpu:.2f} s, {ratio:.1f} x two flows, {grown:.0f} MiB more", flush=True
        )


if __name__ == "__main__":
    main()
