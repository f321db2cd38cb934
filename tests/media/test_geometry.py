"""Upright, square pixels, whole pictures: from every way of storing them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from makers import Recipe, make

from restrip.media import ClipReader, Frame, fit_picture, probe
from restrip.media.geometry import Orientation, shown, shown_size
from restrip.timeline import ClipRange, Rate

ONE = 1 << 16
# a, b, c, d of ISO 14496-12's matrix, what it is called, and what numpy does to make the stored picture upright.
TURNS = {
    0: (ONE, 0, 0, ONE),
    90: (0, ONE, -ONE, 0),
    180: (-ONE, 0, 0, -ONE),
    270: (0, -ONE, ONE, 0),
}


def corner_picture(width: int, height: int) -> np.ndarray:
    """Dark, with a red corner above left, a green one above right, a blue one below left."""
    rgb = np.full((height, width, 3), 30, np.uint8)
    rgb[: height // 3, : width // 3] = (200, 20, 20)
    rgb[: height // 3, -width // 3 :] = (20, 200, 20)
    rgb[-height // 3 :, : width // 3] = (20, 20, 200)
    return rgb


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix into the movie's track header (ISO 14496-12, section 8.3.2)."""
    raw = bytearray(path.read_bytes())
    place = raw.index(b"tkhd") + 44
    a, b, c, d = matrix
    for number, value in enumerate((a, b, 0, c, d, 0, 0, 0, 1 << 30)):
        raw[place + 4 * number : place + 4 * number + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(raw)
    return path


def corners(frame: Frame) -> str:
    """The strongest channel above left, above right, below left and below right; '-' for dark."""
    rgb = frame.rgb8()
    found = ""
    for y in (3, -4):
        for x in (3, -4):
            pixel = rgb[y, x]
            found += "-" if pixel.max() < 100 else "rgb"[int(pixel.argmax())]
    return found


@pytest.mark.parametrize("degrees", TURNS)
def test_display_matrix(tmp_path: Path, degrees: int) -> None:
    """The stored picture is turned clockwise by so many degrees to be seen."""
    stored = [corner_picture(96, 64)] * 3
    path = with_matrix(make(tmp_path / "phone.mp4", Recipe(ticks=range(3), size=(96, 64)), stored), TURNS[degrees])
    info = probe([str(path)])
    assert info.rotation == degrees
    assert info.size == ((64, 96) if degrees in (90, 270) else (96, 64))
    with ClipReader(ClipRange((str(path),), Rate.of(25), 3)) as reader:
        frame = reader.frame(1)
        assert frame.size == info.size == reader.size
        assert corners(frame) == {0: "rgb-", 90: "br-g", 180: "-bgr", 270: "g-rb"}[degrees]
        assert frame.rgb.flags.c_contiguous


def test_mirrored(tmp_path: Path) -> None:
    path = make(tmp_path / "selfie.mp4", Recipe(ticks=range(2), size=(96, 64)), [corner_picture(96, 64)] * 2)
    with_matrix(path, (-ONE, 0, 0, ONE))
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        assert corners(reader.frame(0)) == "gr-b"


def test_a_crooked_matrix_is_left_alone(tmp_path: Path) -> None:
    path = make(tmp_path / "tilted.mp4", Recipe(ticks=range(2), size=(96, 64)), [corner_picture(96, 64)] * 2)
    with_matrix(path, (60000, 20000, -20000, 60000))
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        assert corners(reader.frame(0)) == "rgb-"


@pytest.mark.parametrize(
    ("size", "aspect", "orientation", "expected"),
    [
        ((720, 576), Fraction(16, 15), Orientation(), (768, 576)),
        ((1440, 1080), Fraction(4, 3), Orientation(), (1920, 1080)),
        ((176, 144), Fraction(128, 117), Orientation(), (192, 144)),
        ((720, 576), Fraction(16, 15), Orientation(True, True, False), (576, 768)),
        ((3840, 2160), Fraction(1), Orientation(True, True, False), (2160, 3840)),
        ((641, 359), Fraction(1), Orientation(), (641, 359)),
        ((3, 3), Fraction(1, 9), Orientation(), (2, 3)),
    ],
)
def test_shown_sizes(
    size: tuple[int, int], aspect: Fraction, orientation: Orientation, expected: tuple[int, int]
) -> None:
    assert shown_size(size, aspect, orientation) == expected
    frame = Frame(np.zeros((size[1], size[0], 3), np.uint8), np.zeros((size[1], size[0]), np.uint8))
    assert shown(frame, aspect, orientation).size == expected


def test_wide_pixels_become_square(tmp_path: Path) -> None:
    recipe = Recipe(ticks=range(2), size=(72, 64), aspect=Fraction(4, 3))
    path = make(tmp_path / "wide.mp4", recipe, [corner_picture(72, 64)] * 2)
    info = probe([str(path)])
    assert (info.size, info.pixel_aspect) == ((96, 64), Fraction(4, 3))
    assert any("not square" in note for note in info.notes)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        assert reader.frame(0).size == (96, 64)
        assert corners(reader.frame(0)) == "rgb-"


@pytest.mark.parametrize(
    "layout", ["yuv420p", "yuv422p", "yuv410p", "yuv420p10le", "gbrp10le", "bgr0", "gray", "gray16le", "yuva420p"]
)
@pytest.mark.parametrize("size", [(65, 33), (31, 17), (32, 16)])
def test_odd_sizes_of_every_layout(tmp_path: Path, layout: str, size: tuple[int, int]) -> None:
    width, height = size
    grey = np.repeat(np.linspace(40, 200, width).astype(np.uint8)[None, :, None], 3, axis=2).repeat(height, axis=0)
    recipe = Recipe(ticks=range(2), size=size, codec="ffv1", layout=layout, options={"g": "1"})
    path = make(tmp_path / "odd.mkv", recipe, [np.ascontiguousarray(grey)] * 2)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        frame = reader.frame(0)
        assert frame.size == size
        assert (frame.alpha is not None) == layout.startswith("yuva")
        assert np.abs(frame.rgb8().astype(int) - grey).max() <= 2


def test_the_decoders_crop_is_no_part_of_the_picture(tmp_path: Path) -> None:
    """H.264 stores whole blocks of 16 and says what to cut off: 1080 lines are stored as 1088."""
    path = make(tmp_path / "cropped.mp4", Recipe(ticks=range(2), size=(40, 36)), [corner_picture(40, 36)] * 2)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        assert reader.frame(0).size == (40, 36)
        assert corners(reader.frame(0)) == "rgb-"


def test_fitting_a_picture() -> None:
    frame = Frame(corner_picture(96, 64))
    assert fit_picture(frame, (96, 64)) is frame
    for size in ((48, 32), (200, 150), (96, 32), (50, 100)):
        assert fit_picture(frame, size).size == size
        assert corners(fit_picture(frame, size)) == "rgb-"
    half = fit_picture(Frame(np.array([[[0] * 3, [255] * 3]], np.uint8)), (1, 1))
    assert half.rgb.tolist() == [[[128] * 3]] or half.rgb.tolist() == [[[127] * 3]]


def test_what_is_transparent_doesnt_bleed_in() -> None:
    """A red pixel beside an invisible green one: half as much red, and no green."""
    rgb = np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)
    small = fit_picture(Frame(rgb, np.array([[255, 0]], np.uint8)), (1, 1))
    assert small.rgb.tolist() == [[[255, 0, 0]]]
    assert small.alpha is not None
    assert abs(int(small.alpha[0, 0]) - 128) <= 1


def test_real_phone_matrices_agree_with_pyav() -> None:
    """PyAV's `rotation` is counter-clockwise: -90 for a phone held upright."""
    for degrees, (a, b, c, d) in TURNS.items():
        raw = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32).tobytes()
        picture = np.arange(6).reshape(2, 3, 1).repeat(3, axis=2).astype(np.uint8)
        turned = shown(Frame(picture), Fraction(1), Orientation.of_matrix(raw))
        assert (turned.rgb == np.rot90(picture, -degrees // 90)).all()
        assert Orientation.of_matrix(raw).degrees == degrees


def test_grey_with_alpha(tmp_path: Path) -> None:
    """Animated PNG may hold grey and alpha in pairs."""
    grey = np.repeat(np.arange(0, 240, 10, dtype=np.uint8)[None, :, None], 3, axis=2).repeat(8, axis=0)
    recipe = Recipe(ticks=range(2), size=(24, 8), codec="apng", layout="ya8", options={}, container="apng")
    path = make(tmp_path / "grey.apng", recipe, [np.ascontiguousarray(grey)] * 2)
    with ClipReader(ClipRange((str(path),), Rate.of(25), 2)) as reader:
        frame = reader.frame(0)
        assert frame.alpha is not None
        assert frame.alpha.min() == 255
        assert np.abs(frame.rgb.astype(int) - grey).max() <= 1
