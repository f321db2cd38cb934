"""Between Y'CbCr code values and R'G'B', explicitly: matrix, range and depth are always named.

Chroma is repeated on the way in and averaged over its block on the way out. That is how Blender shows subsampled
footage, and it makes the way there and back the identity: the mean of a repeated sample is the sample.

    luma    Y Y      in: each C serves its block         chroma    C
            Y Y      out: C = mean of its block
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

# [H, W] or [H, W, 3], uint8 for 8 bit and uint16 for more.
Plane = npt.NDArray[Any]

# Luma weights of red and blue: ITU-R BT.601, BT.709, BT.2020, FCC 73.682, SMPTE 240M.
LUMA = {
    "bt709": (0.2126, 0.0722),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
    "fcc": (0.30, 0.11),
    "smpte240m": (0.212, 0.087),
}
YCGCO = np.array([[1, -1, 1], [1, 1, 0], [1, -1, -1]], float)
"""Y, Cg and Co to R'G'B' (ITU-T H.273, equations 57 to 60)."""
NOT_FOR_DISPLAY = {"linear", "log100", "log316", "smpte2084", "smpte428", "arib-std-b67"}


@dataclass(frozen=True)
class ColourTags:
    """What a file says about its colours, in FFmpeg's words; "unknown" where it says nothing.

    `matrix` is "rgb" for files that hold R'G'B'; `range` is "limited" (video levels) or "full".
    """

    matrix: str = "unknown"
    primaries: str = "unknown"
    transfer: str = "unknown"
    range: str = "unknown"

    def resolved(self, size: tuple[int, int], untagged: str = "") -> ColourTags:
        """What players take an untagged file for: BT.709 from 1280x720 on, BT.601 below, limited range.

        `untagged` names the matrix to take instead (Blender takes "smpte170m" at every size). Only matrix and range are
        filled in, as only they decide the code values; a matrix that isn't in LUMA counts as BT.2020's when the
        primaries are BT.2020's.
        """
        matrix = self.matrix
        if matrix not in LUMA and matrix not in ("rgb", "ycgco"):
            large = max(size) >= 1280 or min(size) >= 720
            default = untagged or ("bt709" if large else "smpte170m")
            matrix = "bt2020nc" if self.primaries == "bt2020" or matrix.startswith("bt2020") else default
        return replace(self, matrix=matrix, range="full" if self.range == "full" else "limited")

    def for_output(self) -> ColourTags:
        """Tags to write: the source's, and BT.709 where it has none, as editors show untagged files in different ways.

        What comes from R'G'B' gets video levels, which every player takes.
        """
        return ColourTags(
            matrix=self.matrix if self.matrix in LUMA else _matrix_of(self.primaries),
            primaries="bt709" if self.primaries == "unknown" else self.primaries,
            transfer="bt709" if self.transfer == "unknown" else self.transfer,
            range="full" if self.range == "full" and self.matrix != "rgb" else "limited",
        )

    @property
    def display_referred(self) -> bool:
        """Whether the code values are meant for a display as they are (not linear, PQ, HLG or log)."""
        return self.transfer not in NOT_FOR_DISPLAY


def _matrix_of(primaries: str) -> str:
    return "bt2020nc" if primaries == "bt2020" else "bt709"


BAND = 64
"""Rows: a multiple of all that one chroma sample stands for, and of how many pixels a processor does at once, so that
the few at the end, which it does one by one and rounds in another way, are the same few as without bands."""
LARGE_PX = 1 << 20
THREADS = max(1, min(4, (os.cpu_count() or 1) // 4))


def to_rgb(planes: tuple[Plane, Plane, Plane], bits: int, tags: ColourTags) -> Plane:
    """Y', Cb, Cr planes of `bits` each (chroma whole or subsampled) as R'G'B' [H, W, 3], full range.

    uint8 for 8 bit and uint16 (0..65535) for more. `tags` are resolved. Code values that no R'G'B' has are clipped.
    """
    height, width = planes[0].shape
    rgb = np.empty((height, width, 3), np.uint8 if bits == 8 else np.uint16)
    matrix = to_rgb_matrix(bits, tags)
    rows_each = [_factor(height, plane.shape[0]) for plane in planes]

    def convert(first: int, end: int) -> None:
        parts = [
            _repeated(plane[first // rows : -(-end // rows)], end - first, width)
            for plane, rows in zip(planes, rows_each, strict=True)
        ]
        wide = cv2.merge(parts).astype(np.uint16, copy=False)
        if bits == 8:
            cv2.convertScaleAbs(cv2.transform(wide, matrix), dst=rgb[first:end], alpha=1 / 257)
        else:
            cv2.transform(wide, matrix, dst=rgb[first:end])

    _in_bands(height, width, convert)
    return rgb


def to_yuv(rgb: Plane, bits: int, blocks: tuple[int, int], tags: ColourTags) -> tuple[Plane, Plane, Plane]:
    """R'G'B' [H, W, 3], uint8 or uint16, as Y', Cb, Cr planes of `bits`; a chroma sample stands for `blocks` (w, h)."""
    height, width = rgb.shape[:2]
    matrix = _to_yuv_matrix(bits, tags)
    across, down = blocks
    kind = np.uint8 if bits == 8 else np.uint16
    luma = np.empty((height, width), kind)
    blue, red = (np.empty((-(-height // down), -(-width // across)), kind) for _ in range(2))

    def convert(first: int, end: int) -> None:
        part = rgb[first:end]
        wide = part if part.dtype == np.uint16 else np.multiply(part, np.uint16(257), dtype=np.uint16)
        y, b, r = cv2.split(cv2.transform(wide, matrix))
        luma[first:end] = _narrow(y, bits)
        for plane, values in ((blue, b), (red, r)):
            plane[first // down : -(-end // down)] = _narrow(_averaged(values, blocks), bits)

    _in_bands(height, width, convert)
    return luma, blue, red


def _in_bands(height: int, width: int, convert: Callable[[int, int], None]) -> None:
    """Call `convert(first, end)` for all rows of a picture, a few at a time: what lies between two steps of it stays in
    a core's own cache. Large pictures are divided among threads where there are cores for it.
    """
    bands = [(first, min(first + BAND, height)) for first in range(0, height, BAND)]

    def run(some: list[tuple[int, int]]) -> None:
        for band in some:
            convert(*band)

    if THREADS == 1 or height * width < LARGE_PX:
        run(bands)
    else:
        list(_threads().map(run, [bands[n::THREADS] for n in range(THREADS)]))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="colour")


def widen(values: Plane, bits: int) -> Plane:
    """Full-range values of `bits` (R'G'B' or alpha) as a Frame keeps them: 8 bit as they are, others as 0..65535."""
    if bits == 8:
        return values.astype(np.uint8, copy=False)
    if bits == 16:
        return values.astype(np.uint16, copy=False)
    top = (1 << bits) - 1
    return ((values.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def narrow_full(values: Plane, bits: int) -> Plane:
    """The inverse of `widen`: a Frame's values as full-range values of `bits`, rounded."""
    if (values.dtype == np.uint8 and bits == 8) or (values.dtype == np.uint16 and bits == 16):
        return values
    top_in, top = (255 if values.dtype == np.uint8 else 65535), (1 << bits) - 1
    kind = np.uint8 if bits == 8 else np.uint16
    return ((values.astype(np.uint32) * top + top_in // 2) // top_in).astype(kind)


def _levels(bits: int, tags: ColourTags) -> tuple[float, float, float, float]:
    """Black, white - black, chroma's middle and chroma's span, in code values (BT.709 section 5, BT.2100 table 9)."""
    top, step = (1 << bits) - 1, 1 << (bits - 8)
    middle = float(128 * step)
    if tags.range == "full":
        return 0.0, float(top), middle, float(top)
    return 16.0 * step, 219.0 * step, middle, 224.0 * step


def to_rgb_matrix(bits: int, tags: ColourTags) -> Plane:
    """[3, 4]: code values of `bits` to R'G'B' times 65535."""
    linear = YCGCO if tags.matrix == "ycgco" else _from_differences(*LUMA[tags.matrix])
    black, luma_span, middle, chroma_span = _levels(bits, tags)
    scaled = linear / np.array([luma_span, chroma_span, chroma_span])
    offset = -scaled @ np.array([black, middle, middle])
    return np.column_stack([scaled, offset]) * 65535


def _from_differences(red: float, blue: float) -> Plane:
    """[3, 3]: Y', Cb and Cr, in units of white, to R'G'B', by the luma weights of red and blue."""
    green = 1 - red - blue
    return np.array(
        [
            [1, 0, 2 * (1 - red)],
            [1, -2 * (1 - blue) * blue / green, -2 * (1 - red) * red / green],
            [1, 2 * (1 - blue), 0],
        ]
    )


def _to_yuv_matrix(bits: int, tags: ColourTags) -> Plane:
    """[3, 4]: R'G'B' times 65535 to code values of `bits`, as the upper bits of 16."""
    red, blue = LUMA[tags.matrix]
    weights = np.array([red, 1 - red - blue, blue])
    linear = np.stack(
        [weights, (np.array([0, 0, 1]) - weights) / (2 * (1 - blue)), (np.array([1, 0, 0]) - weights) / (2 * (1 - red))]
    )
    black, luma_span, middle, chroma_span = _levels(bits, tags)
    spans = np.array([luma_span, chroma_span, chroma_span])[:, None]
    return np.column_stack([linear * spans / 65535, [black, middle, middle]]) * (1 << (16 - bits))


def _repeated(plane: Plane, height: int, width: int) -> Plane:
    if plane.shape == (height, width):
        return plane
    down, across = _factor(height, plane.shape[0]), _factor(width, plane.shape[1])
    large: Plane = cv2.resize(plane, (plane.shape[1] * across, plane.shape[0] * down), interpolation=cv2.INTER_NEAREST)
    return large[:height, :width]


def _factor(whole: int, part: int) -> int:
    """The power of two by which `part` samples, rounded up, cover `whole`."""
    factor = 1
    while part * factor < whole:
        factor *= 2
    return factor


def _averaged(plane: Plane, blocks: tuple[int, int]) -> Plane:
    across, down = blocks
    if blocks == (1, 1):
        return plane
    height, width = plane.shape
    more_rows, more_columns = -height % down, -width % across
    if more_rows or more_columns:
        plane = cv2.copyMakeBorder(plane, 0, more_rows, 0, more_columns, cv2.BORDER_REPLICATE)
    size = (plane.shape[1] // across, plane.shape[0] // down)
    small: Plane = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    return small


def _narrow(plane: Plane, bits: int) -> Plane:
    """The upper `bits` of 16, rounded and kept inside."""
    if bits == 8:
        narrow: Plane = cv2.convertScaleAbs(plane, alpha=1 / 256)
        return narrow
    shift = 16 - bits
    half = np.uint32((1 << shift) >> 1)
    return np.minimum((plane.astype(np.uint32) + half) >> np.uint32(shift), (1 << bits) - 1).astype(np.uint16)
