"""Code values in and out, against the standards' formulas in 64-bit floats."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.media import colour
from restrip.media.colour import ColourTags

MATRICES = ["bt709", "smpte170m", "bt470bg", "bt2020nc", "fcc", "smpte240m"]


def reference_rgb(luma: np.ndarray, blue: np.ndarray, red: np.ndarray, bits: int, tags: ColourTags) -> np.ndarray:
    """ITU-R BT.709-6, item 3.2 to 3.4, solved for R'G'B' and not rounded; 0..1."""
    kr, kb = colour.LUMA[tags.matrix]
    scale = 2 ** (bits - 8)
    if tags.range == "full":
        y, pb, pr = (luma / (2**bits - 1), (blue - 128 * scale) / (2**bits - 1), (red - 128 * scale) / (2**bits - 1))
    else:
        y, pb, pr = (
            (luma - 16 * scale) / (219 * scale),
            (blue - 128 * scale) / (224 * scale),
            (red - 128 * scale) / (224 * scale),
        )
    r, b = y + 2 * (1 - kr) * pr, y + 2 * (1 - kb) * pb
    return np.clip(np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], axis=-1), 0, 1)


def planes(bits: int, shape: tuple[int, int] = (48, 64)) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(bits)
    kind = np.uint8 if bits == 8 else np.uint16
    return tuple(rng.integers(0, 1 << bits, shape).astype(kind) for _ in range(3))


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("levels", ["limited", "full"])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_decoding_is_the_standards_formula_rounded(matrix: str, levels: str, bits: int) -> None:
    tags = ColourTags(matrix, range=levels)
    luma, blue, red = planes(bits)
    top = 255 if bits == 8 else 65535
    want = reference_rgb(*(p.astype(np.float64) for p in (luma, blue, red)), bits, tags) * top
    got = colour.to_rgb((luma, blue, red), bits, tags)
    assert got.dtype == (np.uint8 if bits == 8 else np.uint16)
    # Rounded to the nearest value; in 16 bit 32-bit floats may fall on the other side of a half.
    assert np.abs(got - want).max() <= (0.51 if bits == 8 else 0.6)


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("levels", ["limited", "full"])
@pytest.mark.parametrize("bits", [8, 10, 12])
@pytest.mark.parametrize("blocks", [(1, 1), (2, 1), (2, 2), (4, 1), (4, 4)])
@pytest.mark.parametrize("size", [(64, 48), (65, 49), (5, 3)])
def test_code_values_survive_the_way_there_and_back(
    matrix: str, levels: str, bits: int, blocks: tuple[int, int], size: tuple[int, int]
) -> None:
    """Y'CbCr -> R'G'B' -> Y'CbCr keeps every value that R'G'B' can hold, at every subsampling and odd sizes."""
    tags = ColourTags(matrix, range=levels)
    rng = np.random.default_rng(1)
    width, height = size
    small = (-(-height // blocks[1]), -(-width // blocks[0]))
    unit, kind = 1 << (bits - 8), np.uint8 if bits == 8 else np.uint16
    luma = rng.integers(100 * unit, 150 * unit, (height, width)).astype(kind)
    blue, red = (rng.integers(115 * unit, 141 * unit, small).astype(kind) for _ in range(2))
    back = colour.to_yuv(colour.to_rgb((luma, blue, red), bits, tags), bits, blocks, tags)
    for before, after in zip((luma, blue, red), back, strict=True):
        assert after.shape == before.shape
        assert after.dtype == before.dtype
        assert np.abs(after.astype(int) - before).max() <= (1 if bits == 8 else 0)
        assert np.abs(after.astype(int) - before).mean() < 0.25


@pytest.mark.parametrize("levels", ["limited", "full"])
@pytest.mark.parametrize("bits", [8, 10])
def test_white_black_and_grey(levels: str, bits: int) -> None:
    tags = ColourTags("bt709", range=levels)
    unit, top = 1 << (bits - 8), (1 << bits) - 1
    white, black = (235 * unit, 16 * unit) if levels == "limited" else (top, 0)
    kind = np.uint8 if bits == 8 else np.uint16
    luma = np.array([[white, black]], kind)
    middle = np.full((1, 2), 128 * unit, kind)
    rgb = colour.to_rgb((luma, middle, middle), bits, tags)
    full = 255 if bits == 8 else 65535
    assert rgb.tolist() == [[[full] * 3, [0] * 3]]
    back = colour.to_yuv(rgb, bits, (1, 1), tags)
    assert [plane.tolist() for plane in back] == [luma.tolist(), middle.tolist(), middle.tolist()]


@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14, 16])
def test_full_range_values_widen_and_narrow(bits: int) -> None:
    values = np.arange(1 << bits, dtype=np.uint8 if bits == 8 else np.uint16)
    wide = colour.widen(values, bits)
    assert wide[0] == 0
    assert wide[-1] == (255 if bits == 8 else 65535)
    assert (colour.narrow_full(wide, bits) == values).all()


@pytest.mark.parametrize(
    ("tags", "size", "matrix"),
    [
        (ColourTags(), (1920, 1080), "bt709"),
        (ColourTags(), (1280, 720), "bt709"),
        (ColourTags(), (720, 1280), "bt709"),
        (ColourTags(), (720, 576), "smpte170m"),
        (ColourTags("bt470bg"), (1920, 1080), "bt470bg"),
        (ColourTags("bt709"), (320, 240), "bt709"),
        (ColourTags(primaries="bt2020"), (3840, 2160), "bt2020nc"),
        (ColourTags("bt2020c"), (3840, 2160), "bt2020nc"),
    ],
)
def test_what_an_untagged_file_is_taken_for(tags: ColourTags, size: tuple[int, int], matrix: str) -> None:
    resolved = tags.resolved(size)
    assert resolved.matrix == matrix
    assert resolved.range == "limited"


def test_an_editor_may_take_untagged_files_otherwise() -> None:
    assert ColourTags().resolved((1920, 1080), "smpte170m").matrix == "smpte170m"
    assert ColourTags("bt709").resolved((1920, 1080), "smpte170m").matrix == "bt709"


def test_tags_to_write() -> None:
    assert ColourTags().for_output() == ColourTags("bt709", "bt709", "bt709", "limited")
    hlg = ColourTags("bt2020nc", "bt2020", "arib-std-b67", "full")
    assert hlg.for_output() == hlg
    assert not hlg.display_referred
    assert ColourTags("rgb", range="full").for_output() == ColourTags().for_output()


@pytest.mark.parametrize("size", [(61, 300), (64, 128), (2, 65)])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_picture_in_bands_is_the_whole_one(monkeypatch, size, threads):
    """Bands, and threads for them, change no value: not at borders, nor where chroma stands for blocks."""
    width, height = size
    rng, tags = np.random.default_rng(3), ColourTags(matrix="bt709", range="limited")
    small = -(-height // 2), -(-width // 2)
    for bits in (8, 10):
        kind = np.uint8 if bits == 8 else np.uint16
        planes = tuple(rng.integers(0, 1 << bits, shape).astype(kind) for shape in ((height, width), small, small))
        found = []
        for band, large in ((64, 1), (1 << 20, 1 << 30)):
            monkeypatch.setattr(colour, "BAND", band)
            monkeypatch.setattr(colour, "LARGE_PX", large)
            monkeypatch.setattr(colour, "THREADS", threads)
            rgb = colour.to_rgb(planes, bits, tags)
            found.append([rgb, *colour.to_yuv(rgb, bits, (2, 2), tags)])
        for one, other in zip(*found, strict=True):
            assert one.dtype == other.dtype
            np.testing.assert_array_equal(one, other)
