"""A decoder's planes as R'G'B' by a Triton kernel: decoded.py's, in one start."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.decoded import MIDDLE, Planes, Rows, shift

PIXELS = 512
WHOLE = 1.5 * 2.0**52
"""Added and taken away again it leaves a float64 rounded, halves to even."""


def rgb_of(planes: Planes, rows: Rows) -> Tensor:
    """R'G'B' [H, W, 3] uint8 of Y', Cb, Cr; `decoded.rgb_of`."""
    (h, w), (ch, cw) = planes[0].shape, planes[1].shape
    out = torch.empty((h, w, 3), dtype=torch.uint8, device=planes[0].device)
    numbers = [number for row in rows for number in row]
    args = (*(plane.contiguous() for plane in planes), out, h * w, w, cw, shift(w, cw), shift(h, ch), *numbers)
    rgb_kernel[(triton.cdiv(h * w, PIXELS),)](*args, MIDDLE=MIDDLE, WHOLE=WHOLE, PIXELS=PIXELS)
    return out


@triton.jit
def _step(plane, share, code):
    """One product and one sum, which float64 holds exactly, rounded to float32."""
    return (plane * share + code).to(tl.float32).to(tl.float64)


@triton.jit
def _narrow(y, b, r, of_y, of_b, of_r, more, MIDDLE: tl.constexpr, WHOLE: tl.constexpr):
    """One colour in 8 bits."""
    code = _step(y, of_y, _step(b, of_b, _step(r, of_r, more)))
    code = (code + WHOLE) - WHOLE
    code = tl.minimum(tl.maximum(code, -MIDDLE), MIDDLE - 1) + MIDDLE
    return (code.to(tl.int32) + 128) // 257


@triton.jit(
    do_not_specialize=("count", "w", "cw", "across", "down"), do_not_specialize_on_alignment=("luma", "blue", "red")
)
def rgb_kernel(
    luma,
    blue,
    red,
    out,
    count,
    w,
    cw,
    across,
    down,
    red_y,
    red_b,
    red_r,
    red_more,
    green_y,
    green_b,
    green_r,
    green_more,
    blue_y,
    blue_b,
    blue_r,
    blue_more,
    MIDDLE: tl.constexpr,
    WHOLE: tl.constexpr,
    PIXELS: tl.constexpr,
):
    """Chroma is repeated; a chroma sample is at x >> across, y >> down."""
    at = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    known = at < count
    there = ((at // w) >> down) * cw + ((at % w) >> across)
    y = (tl.load(luma + at, mask=known, other=0).to(tl.int32) & 0xFFFF).to(tl.float64)
    b = (tl.load(blue + there, mask=known, other=0).to(tl.int32) & 0xFFFF).to(tl.float64)
    r = (tl.load(red + there, mask=known, other=0).to(tl.int32) & 0xFFFF).to(tl.float64)
    code = _narrow(y, b, r, red_y, red_b, red_r, red_more, MIDDLE, WHOLE)
    tl.store(out + at * 3, code.to(tl.uint8), mask=known)
    code = _narrow(y, b, r, green_y, green_b, green_r, green_more, MIDDLE, WHOLE)
    tl.store(out + at * 3 + 1, code.to(tl.uint8), mask=known)
    code = _narrow(y, b, r, blue_y, blue_b, blue_r, blue_more, MIDDLE, WHOLE)
    tl.store(out + at * 3 + 2, code.to(tl.uint8), mask=known)
