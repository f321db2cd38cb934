"""Pictures in the colours of the frames that they go with: each way to name a space, against sums of its own."""

from __future__ import annotations

import importlib.util
import io
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, features
from psd_files import write_psd

from restrip.media import Frame, read_picture, write_picture
from restrip.media.curves import hlg_coded, pq_coded, srgb_coded, srgb_decoded
from restrip.media.files import MediaUnreadable
from restrip.media.frame_colours import FrameColours
from restrip.media.pictures.icc import BadProfile, TableProfile, read_profile, rgb_profile
from restrip.media.pictures.painting import read_painting
from restrip.media.primaries import D50_XYZ, KNOWN, adapted, between, to_xyz

RNG = np.random.default_rng(11)
SIZE = (8, 12)
# Colours that every space here holds.
LIGHT = 0.1 + 0.6 * RNG.random((*SIZE, 3))
CODE = srgb_coded(LIGHT)
ADOBE = np.array([[0.64, 0.33], [0.21, 0.71], [0.15, 0.06], [0.3127, 0.329]])
PROPHOTO = np.array([[0.7347, 0.2653], [0.1596, 0.8404], [0.0366, 0.0001], [0.3457, 0.3585]])
STEPS = np.linspace(0, 1, 4096)
SPACES = {
    "Adobe RGB": (ADOBE, 2.19921875),
    "Display P3": (KNOWN["smpte432"], 0.0),
    "ProPhoto": (PROPHOTO, 1.8),
}


def decoded(gamma: float, code: np.ndarray) -> np.ndarray:
    return code**gamma if gamma else srgb_decoded(code)


def profile_of(name: str) -> bytes:
    corners, gamma = SPACES[name]
    to_d50 = adapted(to_xyz(corners).sum(axis=1), D50_XYZ) @ to_xyz(corners)
    return rgb_profile(name, decoded(gamma, STEPS), to_d50)


def stored(name: str) -> np.ndarray:
    """The colours as 16-bit code values of a space."""
    corners, gamma = SPACES[name]
    light = LIGHT @ np.linalg.inv(between(corners)).T
    code = light ** (1 / gamma) if gamma else srgb_coded(light)
    return np.rint(code * 65535).astype(np.uint16)


def png(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A 16-bit PNG with chunks before its pixels."""
    raw = bytearray(cv2.imencode(".png", values[..., ::-1])[1].tobytes())
    more = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return bytes(raw[:33]) + more + bytes(raw[33:])


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"p\0\0" + zlib.compress(profile)


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("kind", ["png", "tif", "psd"])
def test_profiles_keep_sixteen_bits(tmp_path: Path, name: str, kind: str) -> None:
    path, values = tmp_path / f"a.{kind}", stored(name)
    if kind == "png":
        path.write_bytes(png(values, iccp(profile_of(name))))
    elif kind == "psd":
        pytest.importorskip("psd_tools")
        write_psd(path, values, profile=profile_of(name))
    else:
        tagged_tiff(path, values, profile_of(name))
    picture = read_painting(path)
    # A step of ProPhoto's is up to two of sRGB's; 8 bit would be off by 128.
    assert np.abs(picture.frame.rgb / 65535 - CODE).max() * 65535 < 8
    assert picture.notes == (f"Its colours were converted from {name}.",)
    assert (read_picture(path).rgb == values).all()  # A clip's own pictures stay as they are.


def tagged_tiff(path: Path, values: np.ndarray, profile: bytes) -> None:
    """A 16-bit TIFF of one strip with a profile."""
    height, width, channels = values.shape
    pixels = values.astype("<u2").tobytes()
    tags = {256: (3, width), 257: (3, height), 258: (3, 16), 259: (3, 1), 262: (3, 2), 277: (3, channels)}
    tags |= {278: (3, height), 279: (4, len(pixels))}
    bits = struct.pack("<" + "H" * channels, *[16] * channels)
    start = 8 + 2 + 12 * (len(tags) + 2) + 4
    tags[258] = (3, start)
    tags[273] = (4, start + len(bits))
    tags[34675] = (7, start + len(bits) + len(pixels))
    counts = {258: channels, 34675: len(profile)}
    entries = b"".join(
        struct.pack("<HHII", tag, kind, counts.get(tag, 1), value) for tag, (kind, value) in sorted(tags.items())
    )
    path.write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + bits + pixels + profile)


@pytest.mark.parametrize(("kind", "near"), [("jpg", 9), ("webp", 4), ("png", 4), ("avif", 9), ("heic", 9)])
def test_profiles_of_eight_bits(tmp_path: Path, kind: str, near: float) -> None:
    if kind == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if kind == "heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    values = np.full((32, 32, 3), (190, 70, 90), np.uint8)
    path, wide = tmp_path / f"a.{kind}", {"webp": {"lossless": True}, "jpg": {"quality": 98, "subsampling": 0}}
    Image.fromarray(values).save(path, icc_profile=profile_of("Adobe RGB"), **wide.get(kind, {}))
    light = decoded(2.19921875, values / 255) @ between(ADOBE).T
    picture = read_painting(path).frame
    assert np.abs(picture.rgb8().astype(float) - 255 * srgb_coded(light)).max() < near / 2
    assert np.abs(picture.rgb8().astype(int) - values).max() > 10  # The profile counts.


def test_srgb_and_nothing_said_stay_as_they_are(tmp_path: Path) -> None:
    values = np.rint(CODE * 65535).astype(np.uint16)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gamma = (b"gAMA", struct.pack(">I", 45455))
    for n, chunks in enumerate([(), (iccp(srgb),), ((b"sRGB", b"\0"),), (gamma,), ((b"cICP", bytes([1, 13, 0, 1])),)]):
        (tmp_path / f"{n}.png").write_bytes(png(values, *chunks))
        picture = read_painting(tmp_path / f"{n}.png")
        assert (picture.frame.rgb == values).all() and picture.notes == ()


def test_png_names_gamma_primaries_and_codings(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    linear = np.rint(LIGHT * 65535).astype(np.uint16)
    path.write_bytes(png(linear, (b"gAMA", struct.pack(">I", 100000))))
    assert np.abs(read_painting(path).frame.rgb - CODE * 65535).max() < 3
    corners = np.rint(ADOBE[[3, 0, 1, 2]].reshape(-1) * 1e5).astype(int)
    chunks = (b"gAMA", struct.pack(">I", 45471)), (b"cHRM", struct.pack(">8I", *corners))
    light = LIGHT @ np.linalg.inv(between(ADOBE)).T
    path.write_bytes(png(np.rint(srgb_coded(light) * 65535).astype(np.uint16), *chunks))
    assert np.abs(read_painting(path).frame.rgb - CODE * 65535).max() < 8
    p3 = stored("Display P3")
    path.write_bytes(png(p3, (b"cICP", bytes([12, 13, 0, 1])), (b"gAMA", struct.pack(">I", 100000))))
    assert np.abs(read_painting(path).frame.rgb - CODE * 65535).max() < 8  # cICP comes first.


@pytest.mark.parametrize("transfer", [16, 18])
def test_pictures_beyond_white(tmp_path: Path, transfer: int) -> None:
    """PQ and HLG: what lies below the knee is what it is in sRGB, white and more stays below white and in order."""
    from restrip.media.curves import hlg_scene

    greys = np.array([0.05, 0.2, 0.5, 0.75, 1.0, 2.0, 4.0])
    light = np.repeat(greys[None, :, None], 3, axis=2)
    code = pq_coded(light) if transfer == 16 else hlg_coded(hlg_scene(light))
    path = tmp_path / "a.png"
    path.write_bytes(png(np.rint(code * 65535).astype(np.uint16), (b"cICP", bytes([9, transfer, 0, 1]))))
    seen = read_painting(path).frame.rgb[0, :, 1] / 65535
    assert np.abs(seen[:4] - srgb_coded(greys[:4])).max() < 2e-3
    assert (np.diff(seen) > 0).all() and seen[-1] < 1


def test_exif_names_adobe_rgb(tmp_path: Path) -> None:
    """As cameras do that write no profile: the optional colour space of DCF."""
    values = np.full((16, 16, 3), (90, 160, 60), np.uint8)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    Image.fromarray(values).save(tmp_path / "a.jpg", quality=100, subsampling=0, exif=exif)
    light = (values[0, 0] / 255) ** (563 / 256) @ between(ADOBE).T
    picture = read_painting(tmp_path / "a.jpg")
    assert np.abs(picture.frame.rgb[4, 4] / 65535 - srgb_coded(np.clip(light, 0, 1))).max() < 0.02
    assert picture.notes == ("Its colours were converted from Adobe RGB.",)


def test_frames_of_other_primaries(tmp_path: Path) -> None:
    """A picture in sRGB over frames of P3: what it shows is what the frames show; one in P3 stays as it is."""
    path = tmp_path / "a.png"
    path.write_bytes(png(np.rint(CODE * 65535).astype(np.uint16), (b"sRGB", b"\0")))
    assert np.abs(read_painting(path, FrameColours("smpte432")).frame.rgb.astype(int) - stored("Display P3")).max() < 4
    path.write_bytes(png(stored("Display P3"), iccp(profile_of("Display P3"))))
    assert np.abs(read_painting(path, FrameColours("smpte432")).frame.rgb.astype(int) - stored("Display P3")).max() < 8
    path.write_bytes(png(np.rint(CODE * 65535).astype(np.uint16)))
    assert (
        read_painting(path, FrameColours("smpte432")).frame.rgb == np.rint(CODE * 65535)
    ).all()  # Says nothing: the frames'.


def grey_profile(gamma: float) -> bytes:
    """A grey profile: as `rgb_profile` makes one of colour, its curve under another name."""
    raw = bytearray(rgb_profile("grey", STEPS**gamma))
    raw[16:20] = b"GRAY"
    at = raw.index(b"rTRC")
    raw[at : at + 4] = b"kTRC"
    return bytes(raw)


def test_grey_profiles(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 16).astype(np.uint16)[None]
    raw = cv2.imencode(".png", grey)[1].tobytes()
    body = iccp(grey_profile(1.8))
    chunk = struct.pack(">I", len(body[1])) + body[0] + body[1] + struct.pack(">I", zlib.crc32(body[0] + body[1]))
    (tmp_path / "a.png").write_bytes(raw[:33] + chunk + raw[33:])
    wanted = 65535 * srgb_coded((grey / 65535) ** 1.8)
    assert np.abs(read_painting(tmp_path / "a.png").frame.rgb[0] - wanted[0, :, None]).max() < 4


def ink_profile() -> bytes:
    """A printer's profile: a table of two nodes a side, Lab of paper, inks and what they make over each other."""
    nodes = []
    for n in range(16):
        c, m, y, k = (n >> 3 & 1, n >> 2 & 1, n >> 1 & 1, n & 1)
        rgb = np.array([1 - 0.9 * c, 1 - 0.8 * m, 1 - 0.85 * y]) * (1 - 0.9 * k)
        srgb = ImageCms.createProfile("sRGB")
        pixel = Image.new("RGB", (1, 1), tuple(round(255 * v) for v in rgb))
        lab = ImageCms.profileToProfile(pixel, srgb, ImageCms.createProfile("LAB"), outputMode="LAB").getpixel((0, 0))
        nodes.append([lab[0] * 0xFF00 / 255, lab[1] * 256, lab[2] * 256])
    table = np.rint(np.array(nodes)).astype(">u2").tobytes()
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    line = struct.pack(">2H", 0, 65535)
    body = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + struct.pack(">2H", 2, 2) + line * 4 + table + line * 3
    raw = bytearray(rgb_profile("ink", STEPS))
    head = raw[:128]
    head[12:16], head[16:20], head[20:24] = b"prtr", b"CMYK", b"Lab "
    wtpt = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(float(v) * 65536)) for v in D50_XYZ)
    tags, places, at = {b"A2B0": body, b"A2B1": body, b"wtpt": wtpt}, b"", 128 + 4 + 36
    content = b""
    for name, part in tags.items():
        places += struct.pack(">4sII", name, at + len(content), len(part))
        content += part + bytes(-len(part) % 4)
    whole = bytes(head) + struct.pack(">I", 3) + places + content
    return struct.pack(">I", len(whole)) + whole[4:]


def test_ink_by_a_printers_profile(tmp_path: Path) -> None:
    profile = ink_profile()
    inks = RNG.integers(0, 256, (16, 16, 4)).astype(np.uint8)
    image = Image.frombytes("CMYK", (16, 16), inks.tobytes())
    found = read_profile(profile)
    assert isinstance(found, TableProfile) and found.mode == "CMYK"
    wanted = np.asarray(found.shown(image)).astype(int)
    image.save(tmp_path / "a.tif", icc_profile=profile)
    picture = read_painting(tmp_path / "a.tif")
    assert (picture.frame.rgb == wanted).all() and "converted from" in picture.notes[0]
    assert np.abs(wanted - np.asarray(image.convert("RGB"))).mean() > 5
    # Deep ink, as Photoshop has it: the same to a rounding, and as fine as it is.
    deep = found.deep(inks.astype(np.float32) / 255) / 257
    assert np.percentile(np.abs(deep - wanted), 95) < 8 and np.abs(deep - wanted).mean() < 1.5
    ramp = np.zeros((1, 1024, 4), np.float32)
    ramp[0, :, 3] = np.linspace(0, 1, 1024)
    steps = np.diff(found.deep(ramp)[0, :, 0].astype(int))
    assert len(np.unique(found.deep(ramp)[0, :, 0])) > 900 and (steps <= 0).all()


def test_profiles_that_can_not_be_used(tmp_path: Path) -> None:
    values = np.rint(CODE * 65535).astype(np.uint16)
    for n, profile in enumerate([b"no profile", profile_of("Adobe RGB")[:200], ink_profile()]):
        (tmp_path / f"{n}.png").write_bytes(png(values, iccp(profile)))
        picture = read_painting(tmp_path / f"{n}.png")
        assert (picture.frame.rgb == values).all() and "left aside" in picture.notes[0]
    with pytest.raises(BadProfile):
        read_profile(b"")


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "tif", "webp", "png"])
def test_all_turns_with_a_profile(tmp_path: Path, kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[274] = turn
    image = Image.fromarray(RNG.integers(0, 256, (4, 6, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1))
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100, "subsampling": 0}}.get(kind, {})
    image.save(tmp_path / f"a.{kind}", exif=exif, icc_profile=profile_of("Display P3"), **options)
    frame = read_painting(tmp_path / f"a.{kind}").frame
    with Image.open(tmp_path / f"a.{kind}") as again:
        upright = np.asarray(ImageOps.exif_transpose(again))
    assert frame.size == (upright.shape[1], upright.shape[0])
    light = srgb_decoded(upright / 255) @ between(KNOWN["smpte432"]).T
    assert np.abs(frame.rgb / 65535 - srgb_coded(np.clip(light, 0, 1))).max() < 2e-3


def test_light_and_layered_documents(tmp_path: Path) -> None:
    values = np.rint(CODE * 65535).astype(np.uint16)
    write_picture(tmp_path / "a.exr", Frame(values))
    assert np.abs(read_painting(tmp_path / "a.exr").frame.rgb.astype(int) - values).max() < 40  # Half floats.
    for ending in ("kra", "ora"):
        path = tmp_path / f"a.{ending}"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mergedimage.png", png(stored("Adobe RGB"), iccp(profile_of("Adobe RGB"))))
        assert np.abs(read_painting(path).frame.rgb / 65535 - CODE).max() < 2e-4
        assert (read_picture(path).rgb == stored("Adobe RGB")).all()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("other.txt", "")
        with pytest.raises(MediaUnreadable, match="flattened"):
            read_painting(path)
        path.write_bytes(b"PK\3\4 cut off")
        with pytest.raises(MediaUnreadable, match="Krita"):
            read_painting(path)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_pictures_the_first(tmp_path: Path, kind: str) -> None:
    red, blue = (Image.new("RGB", (16, 16), colour) for colour in ("#ff0000", "#0000ff"))
    options = {"lossless": True} if kind == "WEBP" else {}
    red.save(tmp_path / f"a.{kind.lower()}", kind, save_all=True, append_images=[blue], **options)
    picture = read_painting(tmp_path / f"a.{kind.lower()}")
    assert picture.frame.rgb[5, 5].tolist() == [255, 0, 0]
    assert picture.notes == ("It holds 2 pictures: the first is used.",)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "webp", "psd", "exr", "kra", "heic", "avif", "gif"])
def test_files_that_hold_no_picture(tmp_path: Path, kind: str) -> None:
    """Empty, another file's content, broken off: a named error each."""
    path = tmp_path / f"a.{kind}"
    bodies = [b"", b"just words\n" * 40]
    if kind in ("png", "jpg", "tif", "webp", "gif"):
        file = io.BytesIO()
        Image.fromarray(RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8)).save(
            file, {"jpg": "JPEG", "tif": "TIFF"}.get(kind, kind.upper())
        )
        bodies += [file.getvalue()[:200], file.getvalue()[: len(file.getvalue()) // 2]]
    for body in bodies:
        path.write_bytes(body)
        with pytest.raises(MediaUnreadable):
            read_painting(path)


@pytest.mark.skipif(not importlib.util.find_spec("pillow_heif"), reason="needs pillow-heif")
def test_heic_under_another_name(tmp_path: Path) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    Image.new("RGB", (32, 32), "#804020").save(tmp_path / "a.heic")
    (tmp_path / "a.heic").rename(tmp_path / "a.jpg")
    assert np.abs(read_painting(tmp_path / "a.jpg").frame.rgb[8, 8].astype(int) - (128, 64, 32)).max() < 4
