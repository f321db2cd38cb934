"""The space that a picture's file names: a profile, PNG's cICP, sRGB, gAMA and cHRM, AVIF's and HEIC's nclx, EXIF."""

from __future__ import annotations

import struct

import numpy as np
from PIL import ExifTags, Image

from restrip.media.av.tags import PRIMARIES, TRANSFERS
from restrip.media.curves import power, srgb_decoded
from restrip.media.pictures.colour_space import SRGB, ColourSpace
from restrip.media.pictures.icc import BadProfile, TableProfile, read_profile
from restrip.media.primaries import between, make_sense

ADOBE_RGB = np.array([[0.64, 0.33], [0.21, 0.71], [0.15, 0.06], [0.3127, 0.329]])
HEAD_BYTES = 1 << 16


def space_of(image: Image.Image, raw: bytes) -> tuple[ColourSpace | TableProfile | None, str]:
    """What an opened picture says of its colours, None where it says nothing; and a note where that can't be used."""
    coding = _png_coding(raw) if image.format == "PNG" else None
    if coding is not None:
        return coding, ""
    profile = image.info.get("icc_profile")
    note = ""
    if profile:
        try:
            found = read_profile(profile)
            if not isinstance(found, TableProfile) or _goes_with(found, image):
                return found, ""
            note = "Its colour profile is for another kind of picture: it is left aside."
        except BadProfile:
            note = "Its colour profile is damaged: it is left aside."
    if image.format == "PNG":
        return _png_gamma(image), note
    if image.format in ("AVIF", "HEIF", "HEIC"):
        return _nclx(raw), note
    return _exif(image), note


def _goes_with(profile: TableProfile, image: Image.Image) -> bool:
    ink = image.mode == "CMYK"
    return (profile.mode == "CMYK") == ink


def _png_coding(raw: bytes) -> ColourSpace | None:
    """PNG's cICP, before its pixels (PNG, third edition, 11.3.2.6)."""
    at = 8
    while at + 12 <= len(raw):
        length, kind = struct.unpack_from(">I4s", raw, at)
        if kind == b"cICP" and length == 4:
            return ColourSpace.of_tags(PRIMARIES.get(raw[at + 8], ""), TRANSFERS.get(raw[at + 9], ""))
        if kind == b"IDAT":
            return None
        at += 12 + length
    return None


def _png_gamma(image: Image.Image) -> ColourSpace | None:
    """sRGB, else gAMA and cHRM. A gamma of 1/2.2 is what programs write for sRGB."""
    if "srgb" in image.info:
        return SRGB
    gamma, corners = image.info.get("gamma"), image.info.get("chromaticity")
    if not gamma and not corners:
        return None
    curve = srgb_decoded if not gamma or abs(gamma - 1 / 2.2) < 0.002 else power(1 / max(gamma, 1e-3))
    to_709 = np.eye(3)
    if corners and len(corners) == 8:
        # White first, then red, green and blue.
        points = np.array(corners, np.float64).reshape(4, 2)[[1, 2, 3, 0]]
        to_709 = between(points) if make_sense(points) else to_709
    return ColourSpace(f"gamma {gamma:.5g}" if gamma else "its primaries", to_709, (curve, curve, curve))


def _nclx(raw: bytes) -> ColourSpace | None:
    """The box colr of kind nclx (ISO/IEC 14496-12, 12.1.5)."""
    at = raw.find(b"colrnclx", 0, HEAD_BYTES)
    if at < 0 or len(raw) < at + 12:
        return None
    primaries, transfer = struct.unpack_from(">HH", raw, at + 8)
    return ColourSpace.of_tags(PRIMARIES.get(primaries, ""), TRANSFERS.get(transfer, ""))


def _exif(image: Image.Image) -> ColourSpace | None:
    """What a camera says: sRGB, or Adobe RGB by the DCF's optional index "R03"."""
    exif = image.getexif()
    if str(exif.get_ifd(ExifTags.IFD.Interop).get(1, "")).startswith("R03"):
        curve = power(563 / 256)
        return ColourSpace("Adobe RGB", between(ADOBE_RGB), (curve, curve, curve))
    return SRGB if exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace) == 1 else None
