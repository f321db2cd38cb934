"""TIFFs that Pillow doesn't read or reads wrongly: floats, channels beside the colours, Lab. What isn't read is named.

A decoder is asked for bytes alone, so that each number comes as it is stored; what they mean is done here
(TIFF 6.0; Adobe's technical note 3 on floats).

    W pixels of C channels of B bytes  ►  one grey channel, W·C·B wide  ►  numbers [H, W, C]
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.geometry import Orientation, shown
from restrip.media.pictures.lab import as_srgb
from restrip.media.pictures.opencv_picture import decoded
from restrip.media.pictures.photo_facts import TURNS
from restrip.media.pictures.tiff_planes import (
    BITS,
    CHANNELS,
    COMPRESSION,
    EXTRA,
    HEIGHT,
    KIND,
    ORIENTATION,
    PHOTOMETRIC,
    PLANAR,
    PREDICTOR,
    TILE_WIDTH,
    WIDTH,
    BadLayout,
    TiffHeader,
    bytes_of,
    planes_of,
)

Array = npt.NDArray[Any]

MOST_PIXELS = 1 << 28
UNPACKED = {1, 5, 8, 32773, 32946}
"""None, LZW, deflate (two numbers) and PackBits: what is decoded to the bit."""
COMPRESSIONS = {
    6: "JPEG",
    7: "JPEG",
    34712: "JPEG 2000",
    34925: "LZMA",
    50000: "Zstandard",
    50001: "WebP",
    50002: "JPEG XL",
}
COLOURS = {0: 1, 1: 1, 2: 3, 5: 4, 8: 3, 9: 3}
INVERTED, INK, CIE_LAB, ICC_LAB = 0, 5, 8, 9
MULTIPLIED, STRAIGHT = 1, 2
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
READ = {(8, UNSIGNED), (16, UNSIGNED), (16, FLOAT), (24, FLOAT), (32, FLOAT), (64, FLOAT)}
BY_DIFFERENCES, BY_BYTES = 2, 3
REMEDY = "Save it with 8 or 16 bit a channel."


def check_packed(raw: bytes, path: str) -> None:
    """Raise MediaUnreadable for a compression that is known to few programs, by its name."""
    try:
        number = TiffHeader(raw).number(COMPRESSION, 1)
    except BadLayout as error:
        raise MediaUnreadable(path, "it is no picture, or a damaged one") from error
    if number not in UNPACKED:
        name = COMPRESSIONS.get(number, f"of kind {number}")
        raise MediaUnreadable(path, f"its compression ({name}) isn't read", "Save it with LZW or ZIP, or without any.")


def read_odd_tiff(raw: bytes, path: str) -> Frame:
    """The picture of a TIFF from its numbers, upright, alpha straight. Raises MediaUnreadable."""
    check_packed(raw, path)
    try:
        header = TiffHeader(raw)
        _check(header, path)
        values = _numbers(raw, header, path)
        with np.errstate(all="ignore"):
            return _as_frame(values, header)
    except (BadLayout, struct.error, ValueError) as error:
        raise MediaUnreadable(path, "it is no picture, or a damaged one") from error


def _check(header: TiffHeader, path: str) -> None:
    width, height = header.number(WIDTH), header.number(HEIGHT)
    if not 0 < width * height <= MOST_PIXELS:
        raise MediaUnreadable(path, f"the picture is too large ({width}x{height})")
    if header.number(PHOTOMETRIC) not in COLOURS:
        raise MediaUnreadable(path, "its colours are neither light, ink nor Lab", "Convert it to RGB.")
    if header.number(CHANNELS, 1) < COLOURS[header.number(PHOTOMETRIC)]:
        raise MediaUnreadable(path, "it has fewer channels than its colours need", "Save it as RGB.")
    bits, kinds = set(header.numbers(BITS)) or {1}, set(header.numbers(KIND)) or {UNSIGNED}
    if len(bits) > 1 or len(kinds) > 1:
        raise MediaUnreadable(path, "its channels are of several kinds", REMEDY)
    if (min(bits), min(kinds)) not in READ:
        kind = "signed" if kinds == {SIGNED} else f"of {min(bits)} bit"
        raise MediaUnreadable(path, f"its values are {kind}", REMEDY)


def _numbers(raw: bytes, header: TiffHeader, path: str) -> Array:
    """[H, W, C] as they are stored: unsigned, or floats."""
    channels = header.number(CHANNELS, 1)
    if channels > 1 and header.number(PLANAR, 1) == 2:
        return np.dstack([_of_bytes(plane, header, 1, path) for plane in planes_of(raw)])
    return _of_bytes(raw, header, channels, path)


def _of_bytes(raw: bytes, header: TiffHeader, channels: int, path: str) -> Array:
    width, each = header.number(WIDTH), header.numbers(BITS)[0] // 8
    tile = header.number(TILE_WIDTH, 0)
    # A tile at the right border is whole in the file; its bytes are needed whole.
    whole = -(-width // tile) * tile if tile else width
    lines = decoded(bytes_of(raw, whole, channels * each), path)
    if lines.dtype != np.uint8 or lines.shape[1:] != (whole * channels * each,):
        raise BadLayout(WIDTH)
    undo = _ways_back(header, channels, each)
    parts = [
        undo(lines[:, x * channels * each :][:, : (tile or whole) * channels * each])
        for x in range(0, whole, tile or whole)
    ]
    return np.concatenate(parts, axis=1)[:, :width] if len(parts) > 1 else parts[0][:, :width]


def _ways_back(header: TiffHeader, channels: int, each: int) -> Callable[[Array], Array]:
    """What makes numbers [H, W, C] of lines of bytes, for one tile, or all of the width."""
    predictor, kind = header.number(PREDICTOR, 1), (header.numbers(KIND) or [UNSIGNED])[0]

    def of_order(lines: Array) -> Array:
        stored = np.ascontiguousarray(lines)
        numbers = _of_three(stored, header.order) if each == 3 else stored.view(f"{header.order}{_code(kind)}{each}")
        values = numbers.reshape(len(lines), -1, channels)
        if predictor == BY_DIFFERENCES and kind != FLOAT:
            return np.cumsum(values, axis=1, dtype=values.dtype.newbyteorder("="))
        return values.astype(values.dtype.newbyteorder("="), copy=False)

    def of_byte_planes(lines: Array) -> Array:
        """Differences of bytes, whose highest ones of a line come first."""
        summed = np.cumsum(lines.reshape(len(lines), -1, channels), axis=1, dtype=np.uint8)
        mixed = np.ascontiguousarray(summed.reshape(len(lines), each, -1).transpose(0, 2, 1))
        numbers = _of_three(mixed, ">") if each == 3 else mixed.view(f">f{each}")
        return numbers.reshape(len(lines), -1, channels).astype(numbers.dtype.newbyteorder("="))

    return of_byte_planes if predictor == BY_BYTES else of_order


def _code(kind: int) -> str:
    return "f" if kind == FLOAT else "u"


def _of_three(stored: Array, order: str) -> Array:
    """Floats of 24 bit (1 sign, 7 exponent, 16 fraction) as such of 32."""
    parts = stored.reshape(-1, 3).astype(np.uint32)
    high, middle, low = (parts[:, n] for n in ((0, 1, 2) if order == ">" else (2, 1, 0)))
    exponent, fraction = high & 0x7F, middle << 8 | low
    value = np.where(exponent == 0, 0.0, (1 + fraction / 65536) * 2.0 ** (exponent.astype(np.float32) - 63))
    signed: Array = np.where(high & 0x80, -value, value).astype(np.float32)
    return signed


def _as_frame(values: Array, header: TiffHeader) -> Frame:
    colours = header.number(PHOTOMETRIC)
    count = COLOURS[colours]
    floats = values.dtype.kind == "f"
    white = 1.0 if floats else float(np.iinfo(values.dtype).max)
    # A file that says nothing of a channel beside the colours means transparency.
    extra = (header.numbers(EXTRA) or [STRAIGHT])[0] if values.shape[2] > count else 0
    alpha = values[..., count] if extra in (MULTIPLIED, STRAIGHT) else None
    clear = None if alpha is None else np.clip(np.nan_to_num(alpha.astype(np.float32) / white), 0, 1)
    given = values[..., :count]
    if colours in (CIE_LAB, ICC_LAB) and not floats:
        rgb = as_srgb(_lab(given, signed=colours == CIE_LAB))
    else:
        rgb = np.nan_to_num(given.astype(np.float32) / np.float32(white), posinf=1.0)
    if extra == MULTIPLIED and clear is not None:
        rgb = np.where(clear[..., None] > 0, rgb / np.maximum(clear[..., None], 1e-6), rgb)
    if colours == INK:
        rgb = (1 - rgb[..., :3]) * (1 - rgb[..., 3:])
    if colours == INVERTED:
        rgb = 1 - rgb
    deep = values.dtype != np.uint8
    top, kept = (65535, np.uint16) if deep else (255, np.uint8)
    whole = np.rint(np.clip(rgb, 0, 1) * np.float32(top)).astype(kept)
    stored = Frame(
        np.ascontiguousarray(np.repeat(whole, 3, axis=2) if whole.shape[2] == 1 else whole),
        None if clear is None else np.rint(clear * top).astype(kept),
    )
    return shown(stored, Fraction(1), TURNS.get(header.number(ORIENTATION, 1), Orientation()))


def _lab(given: Array, *, signed: bool) -> npt.NDArray[np.float32]:
    """L*, a* and b* in 0..1, a and b around 128 of 255, out of 8 or 16 bit."""
    deep = given.dtype == np.uint16
    lightness = given[..., 0].astype(np.float32) / (255 if not deep else 65535 if signed else 65280)
    middle = given.dtype.type(0x8000 if deep else 0x80)
    around = (given[..., 1:] ^ middle if signed else given[..., 1:]).astype(np.float32) / (256 if deep else 1) / 255
    return np.dstack([lightness, around])
