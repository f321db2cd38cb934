"""Photoshop's documents (PSD, PSB) as one picture, by psd-tools: all modes but multichannel, 1 to 32 bit.

The picture is the flattened one that Photoshop stores with "Maximize compatibility"; without it the layers are put
together by psd-tools.
"""

from __future__ import annotations

import logging
import struct
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media.curves import srgb_coded
from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.pictures.colour_space import ColourSpace, converted
from restrip.media.pictures.icc import BadProfile, TableProfile, read_profile
from restrip.media.pictures.lab import as_srgb

Floats = npt.NDArray[np.float32]

ENDINGS = (".psd", ".psb")
MAGIC = b"8BPS"
MOST_PIXELS = 1 << 28
COLOURS = {"BITMAP": 1, "GRAYSCALE": 1, "DUOTONE": 1, "INDEXED": 3, "RGB": 3, "CMYK": 4, "LAB": 3}
COMPOSED = "It was saved without a flattened picture: its layers were put together here, which may differ a little."
REMEDY = "Save it in Photoshop with 'Maximize compatibility' on, or export a PNG or TIFF."
# What the package raises over a damaged file.
DAMAGE = (OSError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError, struct.error)


@dataclass(frozen=True)
class PhotoshopHeader:
    """Size (width, height), bits a channel as they are read, alpha, and what is unusual."""

    size: tuple[int, int]
    bits: int
    alpha: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Document:
    """`values` [H, W, C] float32 in 0..1 (32 bit: light, above 1 too) of `mode`, `alpha` [H, W] straight or None."""

    mode: str
    depth: int
    values: Floats
    alpha: Floats | None
    profile: bytes
    notes: tuple[str, ...] = ()


def read_photoshop(path: str) -> Frame:
    """The picture's own values as R'G'B', no profile applied; light (32 bit) through sRGB's curve.

    Raises MediaUnreadable.
    """
    return _frame(_read(path))


def read_photoshop_in(path: str, primaries: str = "") -> tuple[Frame, tuple[str, ...]]:
    """The picture in the colours of frames with these primaries, by its profile, and notes. Raises MediaUnreadable."""
    document = _read(path)
    profile: ColourSpace | TableProfile | None = None
    notes = document.notes
    if document.profile and document.depth < 32:
        try:
            profile = read_profile(document.profile)
        except BadProfile:
            notes += ("Its colour profile is damaged: it is left aside.",)
    # In light there are primaries to be told, and no curve.
    if isinstance(profile, TableProfile) and document.mode in ("RGB", "CMYK"):
        rgb = profile.deep(1 - document.values if document.mode == "CMYK" else document.values)
        frame = converted(Frame(rgb, _alpha(document, True)), ColourSpace("sRGB"), primaries)
        return frame, (*notes, f"Its colours were converted from {profile.name}.")
    frame = _frame(document)
    if document.mode == "CMYK":
        notes += ("It is CMYK without a printer's profile: colours are as near as that allows.",)
    if isinstance(profile, ColourSpace) and document.mode not in ("CMYK", "LAB"):
        shown = converted(frame, profile, primaries)
        return shown, notes if shown is frame else (*notes, f"Its colours were converted from {profile.name}.")
    return converted(frame, ColourSpace("sRGB"), primaries), notes


def photoshop_header(path: str) -> PhotoshopHeader:
    """The facts of a file. Raises MediaUnreadable."""
    document = _read(path)
    height, width = document.values.shape[:2]
    bits = 8 if document.depth <= 8 else 16
    return PhotoshopHeader((width, height), bits, document.alpha is not None, document.notes)


def _read(path: str) -> _Document:
    try:
        from psd_tools import PSDImage
        from psd_tools.constants import Resource
    except ImportError:
        raise MediaUnreadable(
            path, "Photoshop's documents need the package psd-tools", "Install it: pip install psd-tools."
        ) from None
    logging.getLogger("psd_tools").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = PSDImage.open(path)
            mode = file.color_mode.name
            if mode not in COLOURS:
                raise MediaUnreadable(path, f"its colours are {mode.lower()}", "Convert it to RGB in Photoshop.")
            if file.width * file.height > MOST_PIXELS:
                raise MediaUnreadable(path, f"the picture is too large ({file.width}x{file.height})")
            profile = file.image_resources.get_data(Resource.ICC_PROFILE)
            profile = profile if isinstance(profile, bytes) else b""
            if not file.has_preview() and len(file):
                values, alpha = _composed(file, path)
                return _Document(mode, file.depth, values, alpha, profile, (COMPOSED,))
            colours = COLOURS[mode]
            planes = np.ascontiguousarray(file.numpy(), np.float32)
            alpha = planes[..., colours] if _has_alpha(file, planes.shape[2], colours) else None
            return _Document(mode, file.depth, _stored(planes[..., :colours], alpha), alpha, profile)
    except DAMAGE as error:
        raise MediaUnreadable(path, "it is no Photoshop document, or a damaged one", REMEDY) from error


def _stored(values: Floats, alpha: Floats | None) -> Floats:
    """Straight colours. Photoshop stores them over white, which psd-tools takes away; other programs store them as they
    are, which shows where there is less than no light left.
    """
    if alpha is None or values.min() > -0.02:
        return values
    part = alpha[..., None]
    return np.where(part > 0, values * part + 1 - part, values).astype(np.float32)


def _has_alpha(file: Any, planes: int, colours: int) -> bool:
    """Whether the plane behind the colours is the picture's transparency, and not a selection or a spot colour."""
    from psd_tools.api.utils import get_transparency_index, has_transparency

    if planes <= colours:
        return False
    at = get_transparency_index(file)
    return bool(at == colours or (at < 0 and planes == colours + 1 and has_transparency(file)))


def _composed(file: Any, path: str) -> tuple[Floats, Floats | None]:
    """All visible layers over each other: colour, and alpha where some of it isn't opaque."""
    try:
        from psd_tools.composite import composite

        colour, _, alpha = composite(file)
    except ImportError as error:
        raise MediaUnreadable(path, "it was saved without a flattened picture", REMEDY) from error
    colour, alpha = np.asarray(colour, np.float32), np.asarray(alpha, np.float32)[..., 0]
    if file.color_mode.name in ("DUOTONE", "BITMAP", "INDEXED"):
        raise MediaUnreadable(path, "it was saved without a flattened picture", REMEDY)
    return colour, None if alpha.min() >= 1 else alpha


def _alpha(document: _Document, deep: bool) -> npt.NDArray[Any] | None:
    if document.alpha is None:
        return None
    white, kind = (65535, np.uint16) if deep else (255, np.uint8)
    return np.ascontiguousarray(np.rint(np.clip(document.alpha, 0, 1) * white).astype(kind))


def _frame(document: _Document) -> Frame:
    values, deep = document.values, document.depth > 8
    if document.mode == "CMYK":  # Stored as what the ink leaves.
        values = values[..., :3] * values[..., 3:]
    elif document.mode == "LAB":
        values = as_srgb(values)
    elif values.shape[2] == 1:
        values = np.repeat(values, 3, axis=2)
    if document.depth == 32:
        values = srgb_coded(np.clip(np.nan_to_num(values, posinf=1.0), 0, 1))
    white, kind = (65535, np.uint16) if deep else (255, np.uint8)
    rgb = np.rint(np.clip(values, 0, 1) * white).astype(kind)
    return Frame(np.ascontiguousarray(rgb), _alpha(document, deep))
