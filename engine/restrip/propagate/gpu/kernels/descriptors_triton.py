"""Descriptors of patches as a Triton kernel: down the columns of a patch, then across, all of a pixel in one lane."""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.descriptors import DETAIL, NUMBERS, TAPS
from restrip.propagate.gpu.descriptors import ROOTS, basis_on

BLOCK = 128
CONSTANTS = {"LUMA": ROOTS[0][0], "BLUE": ROOTS[1][0], "GREEN": ROOTS[2][0], "DETAIL": float(DETAIL), "TAPS": TAPS}


def describe(rgb: Tensor) -> Tensor:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8; edges repeat."""
    h, w = rgb.shape[:2]
    out = torch.empty((h, w, NUMBERS), dtype=torch.int16, device=rgb.device)
    basis = basis_on(rgb.device)
    describe_kernel[(triton.cdiv(h * w, BLOCK),)](rgb.contiguous(), basis, out, h, w, **CONSTANTS, BLOCK=BLOCK)
    return out


@triton.jit
def _whole(number, scale: tl.constexpr):
    return tl.floor(number * scale + 0.5).to(tl.int16)


@triton.jit
def _column(basis, n, TAPS: tl.constexpr):
    """What sample n counts in four orders; the compiler makes one of equal loads."""
    order = basis + n
    return tl.load(order), tl.load(order + TAPS), tl.load(order + 2 * TAPS), tl.load(order + 3 * TAPS)


@triton.jit(do_not_specialize=("h", "w"))
def describe_kernel(
    rgb,
    basis,
    out,
    h,
    w,
    LUMA: tl.constexpr,
    BLUE: tl.constexpr,
    GREEN: tl.constexpr,
    DETAIL: tl.constexpr,
    TAPS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Luma up to the third order, two chromas up to the first: each number's order down, then across."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    zero = tl.zeros((BLOCK,), tl.float32)
    l00, l01, l02, l03, l10, l11, l12, l20, l21, l30 = zero, zero, zero, zero, zero, zero, zero, zero, zero, zero
    p00, p01, p10, q00, q01, q10 = zero, zero, zero, zero, zero, zero
    for i in tl.static_range(TAPS):
        column = tl.minimum(tl.maximum(x + (i - TAPS // 2), 0), w - 1)
        l0, l1, l2, l3, p0, p1, q0, q1 = zero, zero, zero, zero, zero, zero, zero, zero
        for j in tl.static_range(TAPS):
            there = (tl.minimum(tl.maximum(y + (j - TAPS // 2), 0), h - 1) * w + column) * 3
            r, g = tl.load(rgb + there).to(tl.float32), tl.load(rgb + there + 1).to(tl.float32)
            b = tl.load(rgb + there + 2).to(tl.float32)
            luma, first, second = (r + g + b) * LUMA, (r - b) * BLUE, (r + b - 2.0 * g) * GREEN
            b0, b1, b2, b3 = _column(basis, j, TAPS)
            l0, l1, l2, l3 = l0 + luma * b0, l1 + luma * b1, l2 + luma * b2, l3 + luma * b3
            p0, p1, q0, q1 = p0 + first * b0, p1 + first * b1, q0 + second * b0, q1 + second * b1
        b0, b1, b2, b3 = _column(basis, i, TAPS)
        l00, l01, l02, l03 = l00 + l0 * b0, l01 + l0 * b1, l02 + l0 * b2, l03 + l0 * b3
        l10, l11, l12, l20, l21 = l10 + l1 * b0, l11 + l1 * b1, l12 + l1 * b2, l20 + l2 * b0, l21 + l2 * b1
        l30, p00, p01, p10 = l30 + l3 * b0, p00 + p0 * b0, p01 + p0 * b1, p10 + p1 * b0
        q00, q01, q10 = q00 + q0 * b0, q01 + q0 * b1, q10 + q1 * b0
    # Number n beside n + 8, those beside n + 4, ... : a pixel's 16 numbers are written at once.
    n0, n1 = tl.join(_whole(l00, 1.0), _whole(l21, DETAIL)), tl.join(_whole(l01, DETAIL), _whole(l30, DETAIL))
    n2, n3 = tl.join(_whole(l02, DETAIL), _whole(p00, 1.0)), tl.join(_whole(l03, DETAIL), _whole(p01, DETAIL))
    n4, n5 = tl.join(_whole(l10, DETAIL), _whole(p10, DETAIL)), tl.join(_whole(l11, DETAIL), _whole(q00, 1.0))
    n6, n7 = tl.join(_whole(l12, DETAIL), _whole(q01, DETAIL)), tl.join(_whole(l20, DETAIL), _whole(q10, DETAIL))
    n0, n1, n2, n3 = tl.join(n0, n4), tl.join(n1, n5), tl.join(n2, n6), tl.join(n3, n7)
    whole = tl.reshape(tl.join(tl.join(n0, n2), tl.join(n1, n3)), (BLOCK, 16))
    tl.store(out + at[:, None] * 16 + tl.arange(0, 16)[None, :], whole, mask=inside[:, None])
