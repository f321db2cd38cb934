"""Layouts taken apart: every value at its place, whatever the width, however often."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from restrip.media.colour import ColourTags
from restrip.media.frame import Frame
from restrip.media.pixels import PLANAR, converted, fill, layout_of

# Interleaved layouts: bits, how far they are shifted up, and the block that a chroma sample stands for (w, h).
PAIRED = {
    "nv12": (8, 0, (2, 2)),
    "nv16": (8, 0, (2, 1)),
    "nv24": (8, 0, (1, 1)),
    "p010le": (10, 6, (2, 2)),
    "p016le": (16, 0, (2, 2)),
    "p210le": (10, 6, (2, 1)),
    "p410le": (10, 6, (1, 1)),
}
# Rows that end inside swscale's blocks of 8, 16 and 32 pixels, and heights that threads would divide unevenly.
SIZES = [(8, 33), (17, 33), (21, 64), (37, 33), (56, 64), (65, 33), (82, 64), (97, 33)]


def noise(layout: str, size: tuple[int, int]) -> av.VideoFrame:
    """A picture whose planes hold random bytes."""
    rng = np.random.default_rng(3)
    picture = av.VideoFrame(*size, layout)
    for plane in picture.planes:
        plane.update(rng.integers(0, 256, plane.buffer_size, dtype=np.uint8).tobytes())
    return picture


def rows(plane: Any, bits: int, across: int) -> np.ndarray:
    """[height, across] samples of a plane."""
    values = np.frombuffer(plane, np.uint8 if bits == 8 else np.dtype("<u2"))
    stride = plane.line_size // values.itemsize
    return values[: plane.height * stride].reshape(plane.height, stride)[:, :across]


@pytest.mark.parametrize("layout", PAIRED)
def test_chroma_in_pairs_is_taken_apart_by_value(layout: str) -> None:
    bits, shift, (across, _) = PAIRED[layout]
    for size in SIZES:
        picture = noise(layout, size)
        luma = rows(picture.planes[0], bits, size[0]) >> shift
        pairs = rows(picture.planes[1], bits, 2 * -(-size[0] // across)) >> shift
        for _ in range(3):
            planar = converted(picture, PLANAR[layout])
            got = [rows(plane, bits, plane.width) for plane in planar.planes]
            for plane, want in zip(got, (luma, pairs[:, 0::2], pairs[:, 1::2]), strict=True):
                assert (plane == want).all(), size


def test_swscale_works_on_one_thread() -> None:
    """On several it loses the first pixels of a slice now and then: too rarely for a test of values to be sure."""

    class Picture:
        width, height = 65, 33

        def reformat(self, **asked: Any) -> dict[str, Any]:
            return asked

    assert converted(Picture(), "gray16le")["threads"] == 1
    assert converted(Picture(), "rgb24", (64, 36)) == {
        "width": 64,
        "height": 36,
        "format": "rgb24",
        "interpolation": "AREA",
        "threads": 1,
    }


@pytest.mark.parametrize("layout", ["y210le", "xv30le", "v30xle", "ayuv64le", "p416le", "gray16be", "x2rgb10le"])
def test_the_same_picture_always_gives_the_same_values(layout: str) -> None:
    target = PLANAR.get(layout, "gray16le" if layout == "gray16be" else "rgb48le")
    for size in SIZES:
        picture = noise(layout, size)
        first, *others = (converted(picture, target) for _ in range(8))
        bits = layout_of(first.format).bits
        for other in others:
            for one, two in zip(first.planes, other.planes, strict=True):
                across = one.width * (3 if target == "rgb48le" else 1)
                assert (rows(one, bits, across) == rows(two, bits, across)).all(), size


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("yuv420p", (8, False, False)),
        ("yuva444p16le", (16, True, False)),
        ("gbrp10le", (10, False, True)),
        ("rgb565le", (6, False, True)),
        ("pal8", (8, True, True)),
        ("bgra", (8, True, True)),
    ],
)
def test_a_layouts_facts(name: str, facts: tuple[int, bool, bool]) -> None:
    found = layout_of(av.VideoFormat(name))
    assert (found.name, found.bits, found.alpha, found.rgb) == (name, *facts)


@pytest.mark.parametrize("layout", ["yuva444p", "gbrap"])
def test_a_missing_alpha_is_written_as_opaque(layout: str) -> None:
    picture = noise(layout, (16, 8))
    fill(picture, Frame(np.full((8, 16, 3), 90, np.uint8)), ColourTags().resolved((16, 8)))
    assert (rows(picture.planes[3], 8, 16) == 255).all()
