"""TIFFs with 16 bit whose channels lie behind each other, or are inks: read to the bit, whatever the order of bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from restrip.media.pictures.photo import photo_header, read_photo, read_photo_in
from restrip.media.pictures.tiff_planes import BadLayout, planes_of

SIZE = 12, 9
LIGHT, INK = 2, 5


def tiff(values: np.ndarray, photometric: int, *, planar: bool, order: str, rows: int = 4, more: int = 0) -> bytes:
    """A plain TIFF of values [H, W, C] uint16 in strips of so many rows; `more` is what an extra channel is."""
    height, width, channels = values.shape
    planes = [values[..., n] for n in range(channels)] if planar else [values]
    stored = [plane.astype(f"{order}u2") for plane in planes]
    parts = [plane[top : top + rows].tobytes() for plane in stored for top in range(0, height, rows)]
    tags: list[tuple[int, str, list[int]]] = [
        (256, "I", [width]),
        (257, "I", [height]),
        (258, "H", [16] * channels),
        (259, "H", [1]),
        (262, "H", [photometric]),
        (273, "I", []),
        (277, "H", [channels]),
        (278, "I", [rows]),
        (279, "I", [len(part) for part in parts]),
        (284, "H", [2 if planar else 1]),
        *([(338, "H", [more])] if more else []),
    ]
    begin = 8 + 2 + 12 * len(tags) + 4
    offsets = [begin + sum(map(len, parts[:n])) for n in range(len(parts))]
    beside = begin + sum(map(len, parts))
    head, tail = b"", b""
    for tag, kind, numbers in tags:
        numbers = offsets if tag == 273 else numbers
        body = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(body) > 4:
            value = struct.pack(f"{order}I", beside + len(tail))
            tail += body
        else:
            value = body.ljust(4, b"\0")
        head += struct.pack(f"{order}HHI", tag, {"H": 3, "I": 4}[kind], len(numbers)) + value
    start = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return start + struct.pack(f"{order}H", len(tags)) + head + bytes(4) + b"".join(parts) + tail


@pytest.fixture
def values() -> np.ndarray:
    found: np.ndarray = np.random.default_rng(4).integers(0, 65536, (*SIZE[::-1], 4), dtype=np.uint16)
    return found


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("rows", [4, 9])
def test_channels_behind_each_other_are_read_to_the_bit(
    values: np.ndarray, channels: int, order: str, rows: int, tmp_path: Path
) -> None:
    path = tmp_path / "planes.tif"
    part = values[..., :channels]
    path.write_bytes(tiff(part, LIGHT, planar=True, order=order, rows=rows, more=2 * (channels == 4)))
    found = read_photo(str(path))
    assert found.rgb.dtype == np.uint16 and (found.rgb == part[..., :3]).all()
    assert (found.alpha is None) == (channels == 3)
    assert found.alpha is None or (found.alpha == part[..., 3]).all()
    assert photo_header(str(path)).bits == 16


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("planar", [False, True])
def test_inks_keep_sixteen_bit(values: np.ndarray, order: str, planar: bool, tmp_path: Path) -> None:
    path = tmp_path / "ink.tif"
    path.write_bytes(tiff(values, INK, planar=planar, order=order))
    found, notes = read_photo_in(str(path))
    ink = values.astype(np.float64) / 65535
    assert found.rgb.dtype == np.uint16 and photo_header(str(path)).bits == 16
    assert np.abs(found.rgb - 65535 * (1 - ink[..., :3]) * (1 - ink[..., 3:])).max() <= 1
    assert notes == ("It is CMYK without a printer's profile: colours are as near as that allows.",)


def test_what_names_no_planes_is_damaged(values: np.ndarray) -> None:
    whole = tiff(values, INK, planar=True, order="<")
    with pytest.raises(BadLayout):
        planes_of(whole[:30])
