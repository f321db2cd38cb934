"""Single pictures, there and back."""

from __future__ import annotations

import zipfile
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from restrip.media import Frame, read_picture, write_picture
from restrip.media.files import MediaMissing, MediaUnreadable, OutputUnwritable
from restrip.media.pictures.picture import kind_of, picture_facts
from restrip.timeline import PICTURE_ENDINGS, is_picture


def noise(kind: type, alpha: bool) -> Frame:
    rng = np.random.default_rng(3)
    top = np.iinfo(kind).max
    rgb = rng.integers(0, top + 1, (31, 47, 3)).astype(kind)
    return Frame(rgb, rng.integers(top // 2, top + 1, (31, 47)).astype(kind) if alpha else None)


@pytest.mark.parametrize("ending", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [False, True])
def test_png_and_tiff_keep_every_value(tmp_path: Path, ending: str, kind: type, alpha: bool) -> None:
    frame = noise(kind, alpha)
    write_picture(tmp_path / f"a{ending}", frame)
    back = read_picture(tmp_path / f"a{ending}")
    assert back.rgb.dtype == kind
    assert (back.rgb == frame.rgb).all()
    assert (back.alpha is None) == (frame.alpha is None)
    assert frame.alpha is None or (back.alpha == frame.alpha).all()


@pytest.mark.parametrize("alpha", [False, True])
def test_exr_keeps_what_half_floats_can(tmp_path: Path, alpha: bool) -> None:
    frame = noise(np.uint16, alpha)
    write_picture(tmp_path / "a.exr", frame)
    back = read_picture(tmp_path / "a.exr")
    assert np.abs(back.rgb.astype(int) - frame.rgb).max() <= 40  # Of 65535: 11 bits of linear light, divided by alpha.
    assert alpha == (back.alpha is not None)


def test_exr_is_linear_light(tmp_path: Path) -> None:
    """Mid-grey in sRGB (IEC 61966-2-1) is 0.2140 in linear light."""
    from restrip.media.pictures.exr import read_linear

    write_picture(tmp_path / "a.exr", Frame(np.full((4, 4, 3), 0.5 * 65535, np.uint16)))
    linear, _ = read_linear(str(tmp_path / "a.exr"))
    assert linear == pytest.approx(0.21404, rel=1e-3)


def test_grey_pictures_and_palettes(tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    frame = read_picture(tmp_path / "grey.png")
    assert (frame.rgb == grey[..., None]).all()


PGM = {
    "white at 255": (b"P5 2 1 255\n" + bytes([51, 255]), np.uint8, [51, 255]),
    "white at 100": (b"P5 2 1 100\n" + bytes([20, 100]), np.uint8, [51, 255]),
    "white at 1023": (b"P5 2 1 1023\n" + np.array([1023, 0], ">u2").tobytes(), np.uint16, [65535, 0]),
    "white at 65535": (b"P5 2 1 65535\n" + np.array([7, 65535], ">u2").tobytes(), np.uint16, [7, 65535]),
    "as text": (b"P2 2 1 255\n51 255\n", np.uint8, [51, 255]),
}


@pytest.mark.parametrize("name", PGM)
def test_grey_maps_are_read_by_value(tmp_path: Path, name: str) -> None:
    """The largest value, which the file names, is white; OpenCV would read 1023 of 1023 as nearly black."""
    raw, kind, values = PGM[name]
    (tmp_path / "a.pgm").write_bytes(raw)
    frame = read_picture(tmp_path / "a.pgm")
    assert frame.rgb.dtype == kind
    assert np.abs(frame.rgb.astype(int) - np.array(values)[None, :, None]).max() <= (0 if kind == np.uint8 else 1)
    assert frame.alpha is None


def test_colour_maps_are_read_by_value(tmp_path: Path) -> None:
    (tmp_path / "a.ppm").write_bytes(b"P6 2 1 255\n" + bytes([200, 20, 10, 0, 0, 255]))
    assert read_picture(tmp_path / "a.ppm").rgb.tolist() == [[[200, 20, 10], [0, 0, 255]]]
    (tmp_path / "b.PPM").write_bytes(b"P6 1 1 65535\n" + np.array([60000, 300, 7], ">u2").tobytes())
    assert read_picture(tmp_path / "b.PPM").rgb.tolist() == [[[60000, 300, 7]]]


@pytest.mark.parametrize(
    ("ending", "codec", "layout"),
    [("tga", "targa", "bgr24"), ("tga", "targa", "bgra"), ("dpx", "dpx", "rgb24"), ("dpx", "dpx", "gbrp10be")],
)
def test_scans_and_targas(tmp_path: Path, ending: str, codec: str, layout: str) -> None:
    """Files as FFmpeg writes them, under a name that would be a pattern."""
    rng = np.random.default_rng(1)
    deep = layout.endswith("10be")
    rgb = rng.integers(0, 1024 if deep else 256, (9, 7, 3)).astype(np.uint16 if deep else np.uint8)
    picture = av.VideoFrame(7, 9, layout)
    values = rgb[..., [1, 2, 0]].astype(">u2") if deep else rgb[..., :: 1 if layout == "rgb24" else -1]
    alpha = np.full((9, 7, 1), 100, np.uint8)
    for index, plane in enumerate(picture.planes):
        rows = values[..., index] if deep else np.dstack([values, alpha]) if layout == "bgra" else values
        lines = [row.tobytes().ljust(plane.line_size, b"\0") for row in rows]
        plane.update(b"".join(lines).ljust(plane.buffer_size, b"\0"))
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 7, 9, layout, Fraction(1, 25)
    path = tmp_path / f"scan %05d.{ending}"
    path.write_bytes(b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)]))
    frame = read_picture(path)
    assert (frame.rgb == (np.rint(rgb * (65535 / 1023)) if deep else rgb)).all()
    assert (frame.alpha is not None) == (layout == "bgra")
    assert frame.alpha is None or (frame.alpha == 100).all()


def test_every_ending_of_pictures_is_read(tmp_path: Path) -> None:
    """One list says what is a picture; what it names is read as one, and damage in it is named."""
    for ending in sorted(PICTURE_ENDINGS):
        path = tmp_path / f"a{ending}"
        path.write_bytes(b"no picture at all")
        with pytest.raises(MediaUnreadable):
            read_picture(path)
        assert is_picture(str(path).upper())
        if ending != ".exr" and cv2.haveImageWriter(str(path)):
            cv2.imwrite(str(path), np.full((48, 64, 3) if ending != ".pgm" else (48, 64), 90, np.uint8))
            assert read_picture(path).size == (64, 48)
    assert not is_picture("movie.mp4") and not is_picture("png")


def test_photographs_stand_upright(tmp_path: Path) -> None:
    """EXIF orientation 6: turn clockwise by 90 degrees to see it."""
    from PIL import Image

    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:, :16] = 255
    image = Image.fromarray(picture)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    frame = read_picture(tmp_path / "photo.jpg")
    assert frame.size == (32, 64)
    assert frame.rgb[4, 16].min() > 240
    assert frame.rgb[60, 16].max() < 15


@pytest.mark.parametrize("name", ["a b.png", "100%d.png", "日本語.png", 'it\'s "q".tif'])
def test_odd_names(tmp_path: Path, name: str) -> None:
    frame = noise(np.uint8, False)
    write_picture(tmp_path / name, frame)
    assert (read_picture(tmp_path / name).rgb == frame.rgb).all()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_pictures_that_cant_be_read(tmp_path: Path) -> None:
    write_picture(tmp_path / "whole.png", noise(np.uint8, False))
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "text.exr").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    for name in ("cut.png", "text.jpg", "text.exr", "empty.png", "folder.png"):
        with pytest.raises(MediaUnreadable) as caught:
            read_picture(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(MediaMissing):
        read_picture(tmp_path / "missing.png")


def test_places_that_cant_be_written(tmp_path: Path) -> None:
    frame = noise(np.uint8, False)
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "a.gif", tmp_path / "file" / "a.png"):
        with pytest.raises(OutputUnwritable):
            write_picture(path, frame)


def test_a_picture_is_replaced_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = noise(np.uint8, False), noise(np.uint8, True)
    write_picture(tmp_path / "a.png", first)
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        with pytest.raises(OutputUnwritable):
            write_picture(tmp_path / "a.png", second)
    assert (read_picture(tmp_path / "a.png").rgb == first.rgb).all()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("most", "kind", "bits"), [(255, ">u1", 8), (65535, ">u2", 16)])
def test_a_pictures_facts_say_how_deep_it_is(tmp_path: Path, most: int, kind: str, bits: int) -> None:
    values = np.random.default_rng(5).integers(0, most + 1, (6, 8, 3))
    path = tmp_path / "a.ppm"
    path.write_bytes(f"P6\n8 6\n{most}\n".encode() + values.astype(kind).tobytes())
    facts = picture_facts(str(path))
    assert (facts.size, facts.bits, facts.alpha, facts.codec) == ((8, 6), bits, False, "ppm")
    assert (read_picture(path).rgb == values).all()


@pytest.mark.parametrize("ending", ["ora", "kra"])
def test_a_layered_pictures_whole_is_read(tmp_path: Path, ending: str) -> None:
    frame = noise(np.uint8, False)
    write_picture(tmp_path / "whole.png", frame)
    with zipfile.ZipFile(tmp_path / f"a.{ending}", "w") as archive:
        archive.write(tmp_path / "whole.png", "mergedimage.png")
    assert kind_of(str(tmp_path / f"a.{ending}")) == "layered"
    assert (read_picture(tmp_path / f"a.{ending}").rgb == frame.rgb).all()
    assert picture_facts(str(tmp_path / f"a.{ending}")).size == frame.size
