"""What a picture that Pillow has opened says of itself: bits a channel, turns, how a TIFF's channels lie."""

from __future__ import annotations

from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin

from restrip.media.geometry import Orientation

TIFF = TiffImagePlugin

# EXIF's tag 274: how the stored picture is turned to be seen.
TURNS = {
    2: Orientation(False, True, False),
    3: Orientation(False, True, True),
    4: Orientation(False, False, True),
    5: Orientation(True, False, False),
    6: Orientation(True, True, False),
    7: Orientation(True, True, True),
    8: Orientation(True, False, True),
}


def notes_of(image: Image.Image, bits: int) -> tuple[str, ...]:
    """Sentences about what is unusual in a file."""
    notes = []
    count = getattr(image, "n_frames", 1)
    if count > 1 and image.format not in ("MPO",):
        notes.append(f"It holds {count} pictures: the first is used.")
    if image.mode in ("CMYK", "LAB"):
        notes.append(f"It is stored as {image.mode}: it is read as R'G'B' without a printer's profile.")
    if bits == 8 and stored_bits(image) > 8:
        notes.append(f"It is stored with {stored_bits(image)} bit a channel: 8 of them are read.")
    return tuple(notes)


def stored_bits(image: Image.Image) -> int:
    """Bits a channel in the file, as far as Pillow tells."""
    tiles = getattr(image, "tile", ())
    if image.format in ("PNG", "TIFF") and any(";16" in str(tile[3]) for tile in tiles):
        return 16
    if (
        isinstance(image, TIFF.TiffImageFile)
        and is_planar(image)
        and set(image.tag_v2.get(TIFF.BITSPERSAMPLE, ())) == {16}
    ):
        return 16
    if image.mode.startswith(("I", "F")):
        known = image.tag_v2.get(TIFF.BITSPERSAMPLE, (16,)) if isinstance(image, TIFF.TiffImageFile) else (16,)
        return min(16, *known)
    return int(image.info.get("bit_depth", 8))


def kept_bits(image: Image.Image, file: Any) -> int:
    """Bits a channel that are read of it; `file` holds it."""
    if image.mode == "CMYK" and not is_deep_ink(image):
        return 8
    if image.format == "JPEG2000":
        return _codestream_bits(file)
    if image.format == "AVIF":
        return _avif_bits(file)
    return stored_bits(image)


def is_deep_ink(image: Image.Image) -> bool:
    """Whether it is a TIFF of four inks with 16 bit each, and nothing beside them."""
    if not isinstance(image, TIFF.TiffImageFile) or image.mode != "CMYK" or stored_bits(image) != 16:
        return False
    return int(image.tag_v2.get(TIFF.SAMPLESPERPIXEL, 1)) == 4


def is_multiplied(image: Image.Image) -> bool:
    """Whether a TIFF's colours are multiplied with its alpha."""
    return isinstance(image, TIFF.TiffImageFile) and tuple(image.tag_v2.get(TIFF.EXTRASAMPLES, ())) == (1,)


def is_beside(image: Image.Image) -> bool:
    """Whether a TIFF's channel beside its colours is no transparency: a selection that was saved, say."""
    return isinstance(image, TIFF.TiffImageFile) and tuple(image.tag_v2.get(TIFF.EXTRASAMPLES, ()))[:1] == (0,)


def _codestream_bits(file: Any) -> int:
    """Bits of a JPEG 2000's first channel (ISO 15444-1, annex A.5.1)."""
    file.seek(0)
    start = file.read(1 << 16)
    place = start.find(b"\xff\x4f\xff\x51")
    return (start[place + 42] & 0x7F) + 1 if 0 <= place < len(start) - 42 else 8


def _avif_bits(file: Any) -> int:
    """Bits of an AVIF's pictures, 10 standing for 12 too (AV1 in ISO base media, section 2.3.3)."""
    file.seek(0)
    start = file.read(1 << 16)
    place = start.find(b"av1C")
    return 10 if 0 <= place < len(start) - 6 and start[place + 6] & 0x40 else 8


def turn_of(image: Image.Image) -> Orientation:
    """How it is turned to be seen, by EXIF."""
    return TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1), Orientation())


def quick_turn_of(image: Image.Image) -> Orientation:
    """As `turn_of`, without decoding a PNG for what may stand behind its pixels."""
    known = image.format != "PNG" or any(name in image.info for name in ("exif", "xmp", "Raw profile type exif"))
    return turn_of(image) if known else Orientation()


def is_planar(image: Image.Image) -> bool:
    """Whether a TIFF's channels lie one after the other."""
    return isinstance(image, TIFF.TiffImageFile) and image.tag_v2.get(TIFF.PLANAR_CONFIGURATION) == 2
