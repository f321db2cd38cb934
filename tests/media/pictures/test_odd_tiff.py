"""TIFFs of floats, of channels beside the colours, of Lab: to the number, upright; what isn't read is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from restrip.media.files import MediaUnreadable
from restrip.media.pictures.photo import photo_header, read_photo

tifffile = pytest.importorskip("tifffile")

WIDE = np.random.default_rng(8).integers(0, 65536, (20, 37, 5)).astype(np.uint16)
FLOATS = (WIDE / 65535).astype(np.float32)


def read(path: Path, values: np.ndarray, photometric: str, **more: object) -> object:
    tifffile.imwrite(path, values, photometric=photometric, **more)
    return read_photo(str(path))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_floats(tmp_path: Path, kind: str, planar: bool, tile: tuple[int, int] | None, order: str) -> None:
    """Half, single and double, with transparency, in strips and tiles, channels together and behind each other."""
    values = FLOATS[..., :4].astype(kind)
    stored = np.moveaxis(values, 2, 0) if planar else values
    frame = read(
        tmp_path / "a.tif",
        stored,
        "rgb",
        planarconfig="separate" if planar else "contig",
        tile=tile,
        byteorder=order,
        extrasamples=["unassalpha"],
        compression="deflate",
    )
    assert np.abs(frame.rgb - values[..., :3].astype(np.float64) * 65535).max() <= 0.51
    assert np.abs(frame.alpha - values[..., 3].astype(np.float64) * 65535).max() <= 0.51


@pytest.mark.parametrize("turn", [2, 3, 4, 5, 6, 7, 8])
def test_floats_are_turned(tmp_path: Path, turn: int) -> None:
    plain = read(tmp_path / "a.tif", FLOATS[..., :3], "rgb")
    wanted = {
        2: plain.rgb[:, ::-1],
        3: plain.rgb[::-1, ::-1],
        4: plain.rgb[::-1],
        5: plain.rgb.transpose(1, 0, 2),
        6: plain.rgb[::-1].transpose(1, 0, 2),
        7: plain.rgb[::-1, ::-1].transpose(1, 0, 2),
        8: plain.rgb[:, ::-1].transpose(1, 0, 2),
    }[turn]
    frame = read(tmp_path / "b.tif", FLOATS[..., :3], "rgb", extratags=[(274, "H", 1, turn, True)])
    assert (frame.rgb == wanted).all()


def with_predictor(path: Path) -> bytes:
    """The file with its tag 316 made the predictor, which tifffile doesn't write itself."""
    raw = path.read_bytes()
    assert raw.count(b"\x3c\x01\x03\0\1\0\0\0") == 1
    return raw.replace(b"\x3c\x01\x03\0\1\0\0\0", b"\x3d\x01\x03\0\1\0\0\0")


def differences(values: np.ndarray) -> bytes:
    """Each line's bytes as Adobe's third note packs floats: highest bytes first, each less the one before it."""
    lines = []
    for row in values:
        size, channels = row.dtype.itemsize, row.shape[1]
        planes = row.astype(f">f{size}").reshape(-1).view(np.uint8).reshape(-1, size).T.reshape(-1, channels)
        lines.append(np.diff(planes, axis=0, prepend=np.zeros((1, channels), np.uint8)).astype(np.uint8).tobytes())
    return b"".join(lines)


@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_floats_packed_by_their_bytes(tmp_path: Path, kind: str) -> None:
    values = FLOATS[..., :3].astype(kind)
    read(tmp_path / "a.tif", values, "rgb", rowsperstrip=20, extratags=[(316, "H", 1, 3, True)])
    raw = with_predictor(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(raw.replace(values.tobytes(), differences(values)))
    frame = read_photo(str(tmp_path / "a.tif"))
    assert np.abs(frame.rgb - values.astype(np.float64) * 65535).max() <= 0.51


@pytest.mark.parametrize("extra", ["unassalpha", "unspecified"])
def test_channels_beside_the_colours(tmp_path: Path, extra: str) -> None:
    """A selection that Photoshop saved is no transparency, whether it is alone or behind one."""
    five = read(tmp_path / "a.tif", WIDE, "rgb", extrasamples=[extra, "unspecified"])
    four = read(tmp_path / "b.tif", WIDE[..., :4], "rgb", extrasamples=[extra])
    for frame in (five, four):
        assert (frame.rgb == WIDE[..., :3]).all()
        assert (frame.alpha is None) if extra == "unspecified" else (frame.alpha == WIDE[..., 3]).all()
    assert photo_header(str(tmp_path / "a.tif")).bits == 16


def test_differences_of_five_channels(tmp_path: Path) -> None:
    stored = np.diff(WIDE, axis=1, prepend=np.zeros((20, 1, 5), np.uint16))
    read(tmp_path / "a.tif", stored, "rgb", extratags=[(316, "H", 1, 2, True)], extrasamples=["unspecified"] * 2)
    (tmp_path / "a.tif").write_bytes(with_predictor(tmp_path / "a.tif"))
    assert (read_photo(str(tmp_path / "a.tif")).rgb == WIDE[..., :3]).all()


def test_ink_with_transparency(tmp_path: Path) -> None:
    frame = read(tmp_path / "a.tif", WIDE, "separated", extrasamples=["unassalpha"])
    ink = WIDE / 65535
    assert np.abs(frame.rgb - (1 - ink[..., :3]) * (1 - ink[..., 3:4]) * 65535).max() <= 1
    assert (frame.alpha == WIDE[..., 4]).all()


@pytest.mark.parametrize("coding", ["cielab", "icclab"])
def test_lab_of_sixteen_bits(tmp_path: Path, coding: str) -> None:
    """sRGB's red, green, blue and a grey as CIE L*a*b* under D50."""
    lab = np.array([[[54.29, 80.81, 69.89], [87.82, -79.29, 80.99], [29.57, 68.30, -112.03], [53.59, 0, 0]]])
    lightness, around = lab[..., :1] / 100, lab[..., 1:]
    signed = [lightness * 65535, np.rint(around * 256) % 65536]
    unsigned = [lightness * 65280, (around + 128) * 256]
    stored = np.rint(np.dstack(signed if coding == "cielab" else unsigned)).astype(np.uint16)
    frame = read(tmp_path / "a.tif", stored, coding)
    assert np.abs(frame.rgb / 257 - [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]]]).max() < 1.5


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    grey = WIDE[..., 0]
    for values, why in ((grey.astype(np.int16), "signed"), (grey.astype(np.uint32), "of 32 bit")):
        with pytest.raises(MediaUnreadable, match=why):
            read(tmp_path / "a.tif", np.dstack([values] * 3), "rgb")
    for number, name in ((34712, "JPEG 2000"), (50002, "JPEG XL"), (34925, "LZMA"), (50000, "Zstandard")):
        read(tmp_path / "a.tif", WIDE[..., :3], "rgb")
        raw = bytearray((tmp_path / "a.tif").read_bytes())
        place = raw.index(bytes([3, 1, 3, 0, 1, 0, 0, 0]))
        raw[place + 8 : place + 10] = number.to_bytes(2, "little")
        (tmp_path / "a.tif").write_bytes(raw)
        with pytest.raises(MediaUnreadable, match=name):
            read_photo(str(tmp_path / "a.tif"))
