"""Blender shows the very code values that the reader gives, and the result under the cut as the source."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from restrip.media import ClipReader, ColourTags, Frame, MovieWriter, read_picture
from restrip.media.av.mux import Sink
from restrip.media.movies.encoding import Encoding
from restrip.timeline import ClipRange, Rate

pytestmark = pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs the package bpy")
RATE = Rate.of(25)
SIZE = (192, 108)


def bars() -> Frame:
    """Colour bars above, gradients of each channel below, and one-pixel stripes of colour between."""
    width, height = SIZE
    rgb = np.zeros((height, width, 3), np.uint8)
    colours = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0), (191, 0, 191), (191, 0, 0), (0, 0, 191)]
    for column in range(width):
        rgb[:, column] = colours[column * 7 // width]
    ramp = np.linspace(0, 255, width).astype(np.uint8)
    for channel in range(3):
        rgb[60 + 14 * channel : 74 + 14 * channel] = 0
        rgb[60 + 14 * channel : 74 + 14 * channel, :, channel] = ramp
    rgb[40:60, ::2] = (180, 60, 40)
    return Frame(rgb)


def source(path: Path, layout: str, matrix: str, levels: str) -> Path:
    sink = Sink(
        str(path),
        Encoding("libx264", "mp4", layout, options={"qp": "0", "preset": "ultrafast"}),
        Fraction(25),
        ColourTags(matrix, "bt709", "bt709", levels),
    )
    sink.write(bars())
    sink.write(bars())
    sink.close()
    return path


def result(path: Path, frames: list[Frame], name: str, colour: ColourTags) -> Path:
    with MovieWriter(path, frames[0].size, RATE, name, colour) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def test_blender_shows_the_same(tmp_path: Path, bikes: Path) -> None:
    kinds = {
        f"{layout}-{matrix}-{levels}": source(tmp_path / f"{layout}-{matrix}-{levels}.mp4", layout, matrix, levels)
        for layout in ("yuv420p", "yuv444p")
        for matrix in ("bt709", "smpte170m")
        for levels in ("limited", "full")
    }
    kinds["bikes"] = tmp_path / "bikes.mp4"
    kinds["bikes"].write_bytes(bikes.read_bytes())
    read: dict[str, Frame] = {}
    shown: list[tuple[Path, tuple[int, int]]] = []
    for kind, path in kinds.items():
        # bikes.mp4 has no tags: Blender takes every such file for BT.601.
        with ClipReader(ClipRange((str(path),), RATE, 2, untagged="smpte170m")) as reader:
            frames, colour, size = list(reader.frames()), reader.info.colour, reader.size
        read[kind] = frames[0]
        shown.append((path, size))
        for name, ending in (("ffv1", ".mkv"), ("h264", ".mp4"), ("prores4444", ".mov")):
            shown.append((result(tmp_path / f"{kind}-{name}{ending}", frames, name, colour), size))
    script = Path(__file__).with_name("inside") / "show.py"
    given = json.dumps([(str(path), size) for path, size in shown])
    run = subprocess.run([sys.executable, str(script), given], capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stdout + run.stderr

    def seen(path: Path) -> np.ndarray:
        return read_picture(f"{path}.png").rgb.astype(int)

    for kind, path in kinds.items():
        ours, blenders = read[kind].rgb.astype(int), seen(path)
        assert np.abs(ours - blenders).max() <= 1, f"{kind}: what is read is what Blender shows"
        lossless = seen(tmp_path / f"{kind}-ffv1.mkv")
        assert np.abs(lossless - ours).max() == 0, f"{kind}: a lossless result is shown as it was written"
        assert np.abs(lossless - blenders).max() <= 1
        for name, ending in (("h264", ".mp4"), ("prores4444", ".mov")):
            if name == "h264" and kind.startswith("yuv444p"):
                continue  # One-pixel stripes of colour have no place in 4:2:0.
            off = np.abs(seen(tmp_path / f"{kind}-{name}{ending}") - blenders)
            assert off.mean() < 2, f"{kind} as {name}: {off.mean()}"
