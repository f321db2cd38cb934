"""Pictures of the kinds that people have, against Pillow and against what was put in.

Where Pillow's own test pictures (749 of these kinds) are read otherwise than Pillow reads them, and why:

more than 8 bit a channel of colour      Pillow keeps the upper 8; here all 16 are kept
grey of 12 bit in a TIFF                 Pillow gives the stored number; here the largest one is white
grey of 16 bit in a PGM or a TIFF        the same numbers, in another type; white is what the file says
colours multiplied with alpha, 16 bit    divided before they are rounded; Pillow divides the upper 8 bit
transparency of 16-bit grey PNG          kept; Pillow has it beside the picture
TIFF of floats                           0 is black and 1 is white, what lies beyond is clipped
TIFF of signed or 32-bit whole numbers   refused: what would be white isn't said
BMP with odd bit fields, JPEG 2000 and TIFF with damaged headers, HEIC   Pillow refuses them; read here
"""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin, features

from restrip.media import Frame, probe, read_picture, write_picture
from restrip.media.files import MediaUnreadable
from restrip.media.geometry import Orientation, shown

RNG = np.random.default_rng(7)
RGBA = RNG.integers(0, 256, (30, 46, 4)).astype(np.uint8)
PALETTE = Image.fromarray(RGBA[..., :3]).quantize(64)
MODES = {
    "1": Image.fromarray(RGBA[..., 0]).convert("1"),
    "L": Image.fromarray(RGBA[..., 0]),
    "LA": Image.fromarray(RGBA[..., 2:]),
    "P": PALETTE,
    "RGB": Image.fromarray(RGBA[..., :3].copy()),
    "RGBA": Image.fromarray(RGBA),
    "CMYK": Image.fromarray(RGBA[..., :3].copy()).convert("CMYK"),
    "YCbCr": Image.fromarray(RGBA[..., :3].copy()).convert("YCbCr"),
}
FILES = [
    *[("png", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA")],
    ("png", "L", {"transparency": 7}),
    ("png", "P", {"transparency": 3}),
    ("png", "P", {"transparency": bytes(range(0, 256, 4))}),
    ("png", "RGB", {"transparency": tuple(int(value) for value in RGBA[3, 3, :3])}),
    *[("tga", mode, {"compression": rle}) for mode in ("L", "LA", "P", "RGB", "RGBA") for rle in ("", "tga_rle")],
    *[("tif", mode, {"compression": how}) for mode in ("L", "RGB", "RGBA") for how in ("raw", "tiff_lzw", "packbits")],
    *[("tif", mode, {}) for mode in ("1", "LA", "P", "CMYK", "YCbCr")],
    ("tif", "1", {"compression": "group4"}),
    ("tif", "RGB", {"compression": "jpeg"}),
    *[("jpg", mode, {"quality": 95}) for mode in ("L", "RGB", "CMYK")],
    ("jfif", "RGB", {"format": "JPEG"}),
    *[("bmp", mode, {}) for mode in ("1", "L", "P", "RGB", "RGBA")],
    *[("webp", mode, {"lossless": True}) for mode in ("RGB", "RGBA")],
    *[("avif", mode, {"quality": 90}) for mode in ("RGB", "RGBA") if features.check("avif")],
    *[("jp2", mode, {}) for mode in ("L", "LA", "RGB", "RGBA") if features.check("jpg_2000")],
]


@pytest.mark.parametrize(("ending", "mode", "options"), FILES, ids=lambda part: str(part)[:24])
def test_pictures_are_what_pillow_shows(tmp_path: Path, ending: str, mode: str, options: dict[str, object]) -> None:
    path = tmp_path / f"a.{ending}"
    given = MODES[mode]
    given.save(path, **({"compression": None} | options if options.get("compression") == "" else options))
    frame = read_picture(path)
    with Image.open(path) as image:
        clear = image.has_transparency_data
        wanted = np.asarray(image.convert("RGBA" if clear else "RGB"))
    assert frame.rgb.dtype == np.uint8
    assert (frame.rgb == wanted[..., :3]).all()
    assert (frame.alpha is None) == (not clear)
    assert frame.alpha is None or (frame.alpha == wanted[..., 3]).all()
    info = probe([str(path)])
    assert (info.size, info.alpha, info.bit_depth) == (frame.size, clear, 8)


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("white", [0, 1])
def test_tiff_of_few_bits(tmp_path: Path, bits: int, white: int) -> None:
    """Grey of 2 and 4 bit, from either end; such files come from scanners and fax programs."""
    values = RNG.integers(0, 1 << bits, (5, 8)).astype(np.uint8)
    packed = np.packbits(np.unpackbits(values[..., None], axis=2)[..., -bits:].reshape(5, -1), axis=1)
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(packed.tobytes(), (8, 5), {258: bits, 262: white, 277: 1}))
    wanted = values * (255 // ((1 << bits) - 1))
    assert (read_picture(path).rgb == (wanted if white else 255 - wanted)[..., None]).all()


def tiff(pixels: bytes, size: tuple[int, int], tags: dict[int, int]) -> bytes:
    """A TIFF of one strip, little-endian; tags are short numbers."""
    known = {256: size[0], 257: size[1], 259: 1, 278: size[1], 279: len(pixels), **tags}
    known[273] = 8 + 2 + 12 * (len(known) + 1) + 4
    entries = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(known.items()))
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(known)) + entries + bytes(4) + pixels


def test_grey_tiff_of_16_bit_from_either_end(tmp_path: Path) -> None:
    values = RNG.integers(0, 65536, (5, 8)).astype("<u2")
    for white in (0, 1):
        path = tmp_path / f"{white}.tif"
        path.write_bytes(tiff(values.tobytes(), (8, 5), {258: 16, 262: white, 277: 1}))
        assert (read_picture(path).rgb[..., 0] == (values if white else 65535 - values)).all()


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bits_are_kept(tmp_path: Path, ending: str, channels: int) -> None:
    values = RNG.integers(0, 65536, (9, 7, channels)).astype(np.uint16)
    path = tmp_path / f"a.{ending}"
    cv2.imwrite(str(path), values[..., [2, 1, 0, 3][:channels]] if channels > 2 else values)
    frame = read_picture(path)
    assert (frame.rgb == (values[..., :3] if channels > 2 else values)).all()
    assert (frame.alpha is not None) == (channels == 4)
    assert frame.alpha is None or (frame.alpha == values[..., 3]).all()
    assert probe([str(path)]).bit_depth == 16


def png16(path: Path, values: np.ndarray, kind: int, clear: bytes = b"") -> None:
    """A PNG of 16 bit a channel of colour type `kind` (ISO 15948), with tRNS where `clear` is given."""
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + (chunk(b"tRNS", clear) if clear else b"")
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_transparency_of_deep_png(tmp_path: Path) -> None:
    """Grey with alpha, and grey or colour of which one value is transparent: a 16-bit value, compared whole."""
    pairs = RNG.integers(0, 65536, (6, 5, 2)).astype(np.uint16)
    png16(tmp_path / "la.png", pairs, 4)
    frame = read_picture(tmp_path / "la.png")
    assert (frame.rgb == pairs[..., :1]).all() and (frame.alpha == pairs[..., 1]).all()
    grey = np.array([[0x1234, 0x1235, 7]], np.uint16)
    png16(tmp_path / "l.png", grey, 0, struct.pack(">H", 0x1234))
    frame = read_picture(tmp_path / "l.png")
    assert (frame.rgb[..., 0] == grey).all() and frame.alpha.tolist() == [[0, 65535, 65535]]
    rgb = np.array([[[1, 2, 3], [1, 2, 4]]], np.uint16)
    png16(tmp_path / "rgb.png", rgb, 2, struct.pack(">HHH", 1, 2, 3))
    frame = read_picture(tmp_path / "rgb.png")
    assert (frame.rgb == rgb).all() and frame.alpha.tolist() == [[0, 65535]]
    assert all(probe([str(tmp_path / name)]).alpha for name in ("la.png", "l.png", "rgb.png"))


def test_multiplied_alpha_is_divided_out(tmp_path: Path) -> None:
    straight = RNG.integers(0, 65536, (6, 5, 3)).astype(np.uint64)
    alpha = RNG.integers(20000, 65536, (6, 5, 1)).astype(np.uint64)
    stored = np.concatenate([(straight * alpha + 32767) // 65535, alpha], axis=2).astype("<u2")
    raw = tiff(stored.tobytes(), (5, 6), {258: 16, 262: 2, 277: 4, 338: 1})
    (tmp_path / "a.tif").write_bytes(raw)
    frame = read_picture(tmp_path / "a.tif")
    assert np.abs(frame.rgb.astype(int) - straight.astype(int)).max() <= 3
    assert (frame.alpha == alpha[..., 0]).all()


TURNED = {
    1: Orientation(),
    2: Orientation(False, True, False),
    3: Orientation(False, True, True),
    4: Orientation(False, False, True),
    5: Orientation(True, False, False),
    6: Orientation(True, True, False),
    7: Orientation(True, True, True),
    8: Orientation(True, False, True),
}


@pytest.mark.parametrize("turn", TURNED)
@pytest.mark.parametrize("ending", ["png", "webp", "tif", "jpg", *(["avif"] if features.check("avif") else [])])
def test_every_turn_of_exif_is_undone(tmp_path: Path, ending: str, turn: int) -> None:
    values = np.zeros((32, 48, 3), np.uint8)
    values[:16, :16], values[:16, 32:] = (200, 0, 0), (0, 200, 0)
    image = Image.fromarray(values)
    exif = image.getexif()
    exif[0x0112] = turn
    path = tmp_path / f"a.{ending}"
    image.save(path, exif=exif, **({"lossless": True} if ending == "webp" else {"quality": 95}))
    wanted = shown(Frame(values), 1, TURNED[turn])
    frame = read_picture(path)
    assert frame.size == wanted.size == probe([str(path)]).size
    assert np.abs(frame.rgb.astype(int) - wanted.rgb).mean() <= (0 if ending in ("png", "webp", "tif") else 3)


def test_deep_pictures_are_turned_too(tmp_path: Path) -> None:
    values = RNG.integers(0, 65536, (4, 6, 3)).astype(np.uint16)
    png16(tmp_path / "plain.png", values, 2)
    with Image.open(tmp_path / "plain.png") as image:
        exif = image.getexif()
    exif[0x0112] = 6
    raw = (tmp_path / "plain.png").read_bytes()
    body = exif.tobytes()[6:]
    import zlib

    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    (tmp_path / "a.png").write_bytes(raw[:33] + chunk + raw[33:])
    wanted = shown(Frame(values), 1, TURNED[6])
    assert (read_picture(tmp_path / "a.png").rgb == wanted.rgb).all()
    (tmp_path / "a.tif").write_bytes(tiff(values.astype("<u2").tobytes(), (6, 4), {258: 16, 262: 2, 277: 3, 274: 6}))
    assert (read_picture(tmp_path / "a.tif").rgb == wanted.rgb).all()
    assert probe([str(tmp_path / "a.tif")]).size == wanted.size


def test_a_turn_in_xmp_alone_is_undone(tmp_path: Path) -> None:
    facts = PngImagePlugin.PngInfo()
    facts.add_itxt("XML:com.adobe.xmp", '<rdf:Description tiff:Orientation="6"/>')
    Image.fromarray(RGBA[..., :3].copy()).save(tmp_path / "a.png", pnginfo=facts)
    wanted = shown(Frame(np.ascontiguousarray(RGBA[..., :3])), 1, TURNED[6])
    assert (read_picture(tmp_path / "a.png").rgb == wanted.rgb).all()


@pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="needs the package pillow-heif")
@pytest.mark.parametrize("bits", [8, 10])
def test_heic(tmp_path: Path, bits: int) -> None:
    import pillow_heif

    ramp = np.linspace(0, 255 if bits == 8 else 65535, 64)
    values = np.stack([np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)), np.full((64, 64), ramp[40])], axis=2)
    values = values.astype(np.uint8 if bits == 8 else np.uint16)
    mode = "RGB" if bits == 8 else "RGB;16"
    pillow_heif.encode(mode, (64, 64), values.tobytes(), str(tmp_path / "a.heic"), quality=95, chroma=444)
    frame = read_picture(tmp_path / "a.heic")
    assert frame.deep == (bits == 10)
    assert np.abs(frame.rgb.astype(int) - values).max() <= (12 if bits == 8 else 12 * 257)
    assert frame.rgb.max() >= (250 if bits == 8 else 64500)
    assert probe([str(tmp_path / "a.heic")]).bit_depth == (8 if bits == 8 else 16)


def test_odd_files_are_named(tmp_path: Path) -> None:
    """A picture under another picture's name is read by what is in it; what is none is refused."""
    write_picture(tmp_path / "a.png", Frame(np.ascontiguousarray(RGBA[..., :3])))
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.png").read_bytes())
    assert (read_picture(tmp_path / "a.jpg").rgb == RGBA[..., :3]).all()
    (tmp_path / "a.bmp").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name, raw in (
        ("b.tif", tiff(np.zeros(40, "<i4").tobytes(), (8, 5), {258: 32, 262: 1, 277: 1, 339: 2})),
        ("c.png", (tmp_path / "a.png").read_bytes()[:-40]),
        ("d.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40)),
        ("e.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(40)),
        ("f.tga", b"\0\0\x0a" + bytes(9) + b"\xff\xff\xff\xff\x18\0"),
    ):
        (tmp_path / name).write_bytes(raw)
    for name in ("a.bmp", "b.tif", "c.png", "d.heic", "e.avif", "f.tga"):
        with pytest.raises(MediaUnreadable) as caught:
            read_picture(tmp_path / name)
        assert name in str(caught.value)


def test_pages_and_other_inks_are_said(tmp_path: Path) -> None:
    pages = [Image.fromarray(RGBA[..., :3].copy()) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert any("3 pictures" in note for note in probe([str(tmp_path / "a.tif")]).notes)
    MODES["CMYK"].save(tmp_path / "a.jpg")
    assert any("CMYK" in note for note in probe([str(tmp_path / "a.jpg")]).notes)


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="needs an encoder for AV1")
def test_avif_of_ten_bits(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64)
    values = np.stack([np.tile(ramp, (64, 1)), np.tile(ramp[:, None], (1, 64)), np.full((64, 64), 30000)], axis=2)
    with av.open(str(tmp_path / "a.avif"), "w", format="avif") as out:
        stream = out.add_stream("libsvtav1", rate=25, options={"crf": "4", "preset": "8"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p10le"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 2
        given = av.VideoFrame.from_ndarray(values.astype(np.uint16), "rgb48le")
        picture = given.reformat(format="yuv420p10le", dst_colorspace=1, dst_color_range=2)
        picture.pts = 0
        for packet in [*stream.encode(picture), *stream.encode(None)]:
            out.mux(packet)
    frame = read_picture(tmp_path / "a.avif")
    assert frame.deep and probe([str(tmp_path / "a.avif")]).bit_depth == 16
    assert len(np.unique(frame.rgb)) > 400
    assert np.abs(frame.rgb.astype(int) - values).mean() < 400
