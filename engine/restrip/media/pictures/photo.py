"""Pictures of the usual kinds, by Pillow: PNG, JPEG, TIFF, WebP, AVIF, HEIC, BMP, TGA, JPEG 2000.

Pillow keeps 8 bit a channel of colour; what has more is taken by FFmpeg (PNG, JPEG 2000, AVIF) or OpenCV (TIFF), and so
is what Pillow doesn't know. How a picture is turned is always Pillow's word: EXIF, XMP and the boxes of AVIF and HEIC.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from restrip.media import colour
from restrip.media.av import still
from restrip.media.files import MediaUnreadable, open_regular
from restrip.media.frame import Frame
from restrip.media.geometry import shown
from restrip.media.highlights import rolled
from restrip.media.pictures.colour_space import SRGB, converted
from restrip.media.pictures.icc import BadProfile, TableProfile
from restrip.media.pictures.named_space import space_of
from restrip.media.pictures.odd_tiff import check_packed, read_odd_tiff
from restrip.media.pictures.opencv_picture import decoded, frame_of
from restrip.media.pictures.photo_facts import (
    TIFF,
    is_beside,
    is_deep_ink,
    is_multiplied,
    is_planar,
    kept_bits,
    notes_of,
    quick_turn_of,
    stored_bits,
    turn_of,
)
from restrip.media.pictures.tiff_planes import as_light, planes_of

Array = npt.NDArray[Any]
Found = TypeVar("Found")

MOST_PIXELS = 1 << 28
Image.MAX_IMAGE_PIXELS = None  # Scans and panoramas are larger than what Pillow warns of; MOST_PIXELS is the limit.

# What is opened, whatever the name says; Pillow knows more, and would run Ghostscript for some of it.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "BMP", "JPEG2000", "PPM", "GIF")
TIFF_MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
HEIC_ENDINGS = (".heic", ".heif", ".hif")
HEIC_BRANDS = tuple(b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc"))

# What Pillow and its decoders raise over a damaged file, beside its own errors, which are OSErrors.
DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)


@dataclass(frozen=True)
class PhotoHeader:
    """What a file says before it is decoded: upright size (width, height), bits a channel as they are read, alpha."""

    size: tuple[int, int]
    bits: int
    alpha: bool
    notes: tuple[str, ...] = ()


def read_photo(path: str) -> Frame:
    """The picture in a file, upright, alpha straight. Raises MediaUnreadable."""
    return _read(path, _frame, _otherwise)


def read_photo_in(path: str, primaries: str = "") -> tuple[Frame, tuple[str, ...]]:
    """The picture in the colours of frames with these primaries, by what the file says of its own; and notes.

    What says nothing is taken as it is. Raises MediaUnreadable.
    """

    def known(image: Image.Image, raw: bytes, path: str) -> tuple[Frame, tuple[str, ...]]:
        space, note = space_of(image, raw)
        count = getattr(image, "n_frames", 1)
        notes = [note] if note else []
        if count > 1 and image.format != "MPO":
            notes.append(f"It holds {count} pictures: the first is used.")
        if isinstance(space, TableProfile):
            try:
                shown_as = _by_table(image, raw, path, space)
                notes.append(f"Its colours were converted from {space.name}.")
                return converted(shown_as, SRGB, primaries), tuple(notes)
            except BadProfile:
                space = None
                notes.append("Its colour profile is damaged: it is left aside.")
        if image.mode == "CMYK":
            space = None  # A profile of three channels says nothing of ink.
            notes.append("It is CMYK without a printer's profile: colours are as near as that allows.")
        frame = _frame(image, raw, path)
        turned = converted(frame, space or SRGB, primaries, rolled) if space is not None else frame
        if turned is not frame and space is not None:
            notes.append(f"Its colours were converted from {space.name}.")
        return turned, tuple(notes)

    return _read(path, known, lambda raw, path: (_otherwise(raw, path), ()))


def _by_table(image: Image.Image, raw: bytes, path: str, profile: TableProfile) -> Frame:
    """A picture whose profile is of tables, in sRGB: with all its bits where they are more than 8."""
    if image.mode == "CMYK" and is_deep_ink(image):
        return Frame(profile.deep(_ink(image, raw, path)))
    if image.mode != "CMYK" and kept_bits(image, io.BytesIO(raw)) > 8:
        frame = _frame(image, raw, path)
        values = frame.rgb[..., :1] if profile.mode == "L" else frame.rgb
        return Frame(profile.deep(values.astype(np.float32) / frame.white), frame.alpha)
    image.load()
    upright = ImageOps.exif_transpose(image)
    alpha = np.asarray(upright.convert("RGBA"))[..., 3] if upright.has_transparency_data else None
    plain = upright if upright.mode == profile.mode else upright.convert(profile.mode)
    rgb = np.asarray(profile.shown(plain))
    return Frame(np.ascontiguousarray(rgb), None if alpha is None else np.ascontiguousarray(alpha))


def _read(path: str, known: Callable[[Image.Image, bytes, str], Found], other: Callable[[bytes, str], Found]) -> Found:
    """What is made of a file: by `known` where Pillow opens it, else by `other`. Raises MediaUnreadable."""
    with open_regular(path) as file:
        raw = file.read()
    try:
        image = _opened(io.BytesIO(raw), path)
    except DAMAGE:
        return other(raw, path)
    try:
        with image:
            return known(image, raw, path)
    except DAMAGE as error:
        raise MediaUnreadable(path, "it is no picture, or a damaged one") from error


def photo_header(path: str) -> PhotoHeader:
    """The facts of a file, quickly: nothing is decoded. Raises MediaUnreadable.

    A turn that a PNG names behind its pixels is not seen here.
    """
    with open_regular(path) as file:
        try:
            image = _opened(file, path)
        except DAMAGE:
            file.seek(0)
            found = _otherwise(file.read(), path)
            return PhotoHeader(found.size, 16 if found.deep else 8, found.alpha is not None)
        try:
            with image:
                # Pillow has turned a TIFF's already.
                turned = image.format != "TIFF" and quick_turn_of(image).transpose
                size = image.size[::-1] if turned else image.size
                bits = 16 if kept_bits(image, file) > 8 else 8
                return PhotoHeader(size, bits, image.has_transparency_data, notes_of(image, bits))
        except DAMAGE as error:
            raise MediaUnreadable(path, "it is no picture, or a damaged one") from error


def _opened(file: Any, path: str) -> Image.Image:
    """The file opened by Pillow, its header read. Raises DAMAGE, MediaUnreadable."""
    Image.init()
    formats = list(FORMATS)
    start = file.read(12)
    file.seek(0)
    if path.lower().endswith(HEIC_ENDINGS) or start[4:12] in HEIC_BRANDS:
        _know_heic(path)
        formats.append("HEIF")
    elif path.lower().endswith(".tga"):
        formats = ["TGA"]  # It has no mark that it could be told by.
    image = Image.open(file, formats=formats)
    if image.width * image.height > MOST_PIXELS:
        raise MediaUnreadable(path, f"the picture is too large ({image.width}x{image.height})")
    return image


def _know_heic(path: str) -> None:
    """Teach Pillow HEIC. Raises MediaUnreadable where the package for it is missing."""
    try:
        import pillow_heif
    except ImportError:
        raise MediaUnreadable(
            path, "HEIC pictures need the package pillow-heif", "Install it: pip install pillow-heif."
        ) from None
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.register_heif_opener()


def _frame(image: Image.Image, raw: bytes, path: str) -> Frame:
    if image.format == "TIFF" and image.mode in ("F", "I;16", "I;16B", "I;16L"):
        return _numbers(image, path)
    if kept_bits(image, io.BytesIO(raw)) <= 8 or image.mode == "I":
        return _eight_bit(image, path)
    if image.format in ("HEIF", "HEIC"):
        return _heic(raw)
    if image.format == "AVIF":
        whole = still.read_avif(path, image.size)
        return _eight_bit(image, path).with_depth(True) if whole is None else shown(whole, Fraction(1), turn_of(image))
    if is_deep_ink(image):
        ink = _ink(image, raw, path)
        return Frame(np.rint((1 - ink[..., :3]) * (1 - ink[..., 3:]) * 65535).astype(np.uint16))
    if image.format == "TIFF":
        check_packed(raw, path)
        # OpenCV turns it, each plane as the whole.
        stored = _of_planes(raw, path) if is_planar(image) else frame_of(decoded(raw, path), path)
        if is_beside(image):
            return Frame(stored.rgb)
        return _straight(stored) if is_multiplied(image) else stored
    stored = still.read_still(path)
    return shown(_straight(stored) if is_multiplied(image) else stored, Fraction(1), turn_of(image))


def _of_planes(raw: bytes, path: str) -> Frame:
    """A TIFF whose channels lie behind each other, upright."""
    planes = _planes(raw, path)
    return frame_of(planes if planes.shape[2] < 3 else planes[..., (2, 1, 0, 3)[: planes.shape[2]]], path)


def _planes(raw: bytes, path: str) -> Array:
    """The channels of such a TIFF, [H, W, C] in their order, upright."""
    return np.dstack([decoded(plane, path) for plane in planes_of(raw)])


def _ink(image: Image.Image, raw: bytes, path: str) -> npt.NDArray[np.float32]:
    """How much of each ink a TIFF of four inks with 16 bit lays, [H, W, 4] in 0..1, upright."""
    stored = _planes(raw, path) if is_planar(image) else decoded(as_light(raw), path)[..., (2, 1, 0, 3)]
    if stored.dtype != np.uint16:
        raise MediaUnreadable(path, "its inks can't be read with 16 bit", "Save it with 8 bit a channel.")
    return stored.astype(np.float32) / 65535


def _eight_bit(image: Image.Image, path: str) -> Frame:
    """8 bit a channel, as Pillow converts it to R'G'B'."""
    if image.mode == "I":
        raise MediaUnreadable(path, "its values are signed or of 32 bit", "Save it with 8 or 16 bit a channel.")
    image.load()
    upright = ImageOps.exif_transpose(image)
    if not upright.has_transparency_data:
        return Frame(np.ascontiguousarray(upright.convert("RGB")))
    values = np.asarray(upright.convert("RGBA"))
    return Frame(np.ascontiguousarray(values[..., :3]), np.ascontiguousarray(values[..., 3]))


def _numbers(image: Image.Image, path: str) -> Frame:
    """A TIFF of one channel of up to 16 bit, or of floats from black at 0 to white at 1."""
    assert isinstance(image, TIFF.TiffImageFile)
    bits, inverted = stored_bits(image), image.tag_v2.get(TIFF.PHOTOMETRIC_INTERPRETATION) == 0
    image.load()
    values = np.asarray(ImageOps.exif_transpose(image))
    if values.dtype.kind == "f":
        deep = np.rint(np.clip(np.nan_to_num(values, posinf=1.0), 0, 1) * 65535).astype(np.uint16)
    else:
        deep = colour.widen(values.astype(np.uint16), bits)
    if inverted:
        deep = 65535 - deep
    return Frame(np.repeat(deep[..., None], 3, axis=2))


def _straight(frame: Frame) -> Frame:
    """A 16-bit frame whose colours were multiplied with alpha, alpha divided out."""
    if frame.alpha is None:
        return frame
    alpha = np.maximum(frame.alpha, 1)[..., None].astype(np.uint64)
    rgb = (frame.rgb.astype(np.uint64) * 65535 + alpha // 2) // alpha
    return Frame(np.minimum(rgb, 65535).astype(np.uint16), frame.alpha)


def _heic(raw: bytes) -> Frame:
    """A HEIC picture of 10 or 12 bit."""
    import pillow_heif

    file = pillow_heif.open_heif(io.BytesIO(raw), convert_hdr_to_8bit=False, hdr_to_16bit=False)
    bits = int(file.info["bit_depth"])
    values = colour.widen(np.asarray(file), bits)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    alpha = np.ascontiguousarray(values[..., 3]) if values.shape[2] == 4 else None
    return Frame(np.ascontiguousarray(values[..., :3]), alpha)


def _otherwise(raw: bytes, path: str) -> Frame:
    """What Pillow can't open: some kinds of TIFF, some old BMP. Raises MediaUnreadable."""
    if raw[:4] in TIFF_MARKS:
        return read_odd_tiff(raw, path)
    return frame_of(decoded(raw, path), path)
