"""A decoder's planes as R'G'B' on the device: `media.colour.to_rgb` to the bit, where the host can be followed.

OpenCV multiplies and adds in one step on processors that can, in float32, from the last product to the first:

    code - 32768 = y * m0 + (cb * m1 + (cr * m2 + (m3 - 32768)))        of 16 bit; each step rounded to float32

Here each step is exact in float64 and then rounded, which is the same. Whether the host works so is found out once;
where it doesn't, and for the few sizes whose last pixels it takes one by one and rounds in another way, R'G'B' goes up.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from restrip.media import colour
from restrip.media.colour import BAND, ColourTags
from restrip.media.movies.decoded_frame import YuvPlanes
from restrip.propagate.gpu.bands import bands, rows_for

Planes = tuple[Tensor, Tensor, Tensor]
Rows = tuple[tuple[float, ...], ...]
RgbOf = Callable[[Planes, Rows], Tensor]
"""R'G'B' [H, W, 3] uint8 of Y', Cb, Cr, uint8 or 16 bits in int16, and what `rows_of` gives."""

MIDDLE = 32768.0
AT_ONCE = 64
"""Pixels that any processor takes at once, or a multiple."""
BYTES_A_PIXEL = 48  # of a band, beside what goes in and out


def rows_of(planes: YuvPlanes) -> Rows:
    """What the planes are multiplied by for red, green and blue, and what is added: [3][4], float32 numbers."""
    rows = colour.to_rgb_matrix(planes.bits, planes.tags).astype(np.float32)
    rows[:, 3] -= np.float32(MIDDLE)
    return tuple(tuple(map(float, row)) for row in rows)


def rgb_of(planes: Planes, rows: Rows) -> Tensor:
    """R'G'B' [H, W, 3] uint8 of Y', Cb, Cr [H, W], chroma as it is, uint8 or 16 bits in int16; see RgbOf."""
    h, w = planes[0].shape
    out = torch.empty((h, w, 3), dtype=torch.uint8, device=planes[0].device)
    every = shift(h, planes[1].shape[0])
    step = max(1, rows_for(w, BYTES_A_PIXEL) >> every) << every  # whole rows of chroma
    for first, end in bands(h, step):
        luma, (blue, red) = planes[0][first:end], (plane[first >> every : -(-end >> every)] for plane in planes[1:])
        for n, code in enumerate(_wide((luma, blue, red), rows)):
            out[first:end, :, n] = (code.to(torch.int32) + 128) // 257
    return out


def _wide(planes: Planes, rows: Rows) -> list[Tensor]:
    """Red, green and blue [H, W] float64 of whole numbers in 0..65535."""
    luma, blue, red = (_repeated(plane, planes[0].shape) for plane in planes)
    codes = []
    for y, b, r, more in rows:
        code = red * r + more
        for plane, share in ((blue, b), (luma, y)):
            code = plane * share + code.to(torch.float32).to(torch.float64)
        codes.append(code.to(torch.float32).to(torch.float64).round_().clamp_(-MIDDLE, MIDDLE - 1) + MIDDLE)
    return codes


def _repeated(plane: Tensor, shape: torch.Size) -> Tensor:
    for side in (0, 1):
        if times := shift(shape[side], plane.shape[side]):
            plane = plane.repeat_interleave(1 << times, side).narrow(side, 0, shape[side])
    values = plane.to(torch.int32)
    return (values if plane.dtype == torch.uint8 else values.bitwise_and_(0xFFFF)).to(torch.float64)


def shift(whole: int, part: int) -> int:
    """How often a side is halved, rounded up, from luma to chroma."""
    return max(0, (-(-whole // part) - 1).bit_length())


def on_device(planes: YuvPlanes, rgb_of: RgbOf, device: torch.device) -> bool:
    """Whether these planes become what the host would make of them."""
    height, width = planes.luma.shape
    return not (height % BAND or BAND) * width % AT_ONCE and _as_the_host(rgb_of, device)


@lru_cache(maxsize=8)
def _as_the_host(rgb_of: RgbOf, device: torch.device) -> bool:
    """Whether a picture of noise comes out as on the host: its 16 bits computed here, its 8 bits where they will be."""
    kind, noise = np.uint16, np.random.default_rng(0)
    y, b, r = (noise.integers(0, 1 << 10, shape, kind) for shape in ((192, 512), (96, 256), (96, 256)))
    planes = YuvPlanes(y, b, r, 10, ColourTags("bt709", range="limited"))
    told, rows = planes.rgb(), rows_of(planes)
    luma, blue, red = (torch.tensor(plane.view(np.int16)) for plane in (y, b, r))
    here = torch.stack(_wide((luma, blue, red), rows), -1).numpy()
    if not np.array_equal(here, told):
        return False
    there = rgb_of((luma.to(device), blue.to(device), red.to(device)), rows)
    return np.array_equal(there.cpu().numpy(), (told.astype(np.int32) + 128) // 257)
