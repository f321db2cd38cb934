"""Where two keys are painted with different strokes, as a Triton kernel over cells: strokes.py's."""

from __future__ import annotations

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.detail_selection import ALIKE, LIKED, LONGEST, PLAIN, SHARP, STRANGE, TAPS
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.kernels.stencil_triton import TILE, between, bounded, emptied, mixed, tile, tiles
from restrip.propagate.gpu.shares import Shares

HOW = {"ALIKE": ALIKE, "STRANGE": STRANGE, "PLAIN": PLAIN, "LIKED": LIKED, "LONGEST": LONGEST, "SHARP": SHARP}


def cells_of(means: Tensor, shares: Shares) -> Tensor:
    """`gpu.strokes.cells_of`: [4 + N, h, w] of the means [11, h, w]."""
    h, w = means.shape[1:]
    count = len(shares.weights)
    out = emptied(means, 4 + count, h, w)
    args = means, _taps(means.device), out, shares.numbers, h, w
    cells_kernel[tiles(h, w)](*args, COUNT=count, TAPS=len(TAPS), CODE=CODE, **HOW, **TILE)
    return out


@lru_cache(maxsize=4)
def _taps(device: torch.device) -> Tensor:
    return torch.tensor(TAPS, device=device)


@triton.jit
def _blurred(plane, taps, x, y, h, w, TAPS: tl.constexpr):
    total = tl.zeros_like(x).to(tl.float32)
    for j in range(TAPS):
        line = bounded(y + (j - TAPS // 2), h) * w
        along = tl.zeros_like(x).to(tl.float32)
        for i in range(TAPS):
            along += tl.load(plane + line + bounded(x + (i - TAPS // 2), w)) * tl.load(taps + i)
        total += along * tl.load(taps + j)
    return total


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("shares",))
def cells_kernel(
    means,
    taps,
    out,
    shares,
    h,
    w,
    COUNT: tl.constexpr,
    TAPS: tl.constexpr,
    CODE: tl.constexpr,
    ALIKE: tl.constexpr,
    STRANGE: tl.constexpr,
    PLAIN: tl.constexpr,
    LIKED: tl.constexpr,
    LONGEST: tl.constexpr,
    SHARP: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """How far details are kept apart, coarse colour, and the right key's share of details in each rendition."""
    x, y, inside = tile(h, w, TX, TY)
    at, size = y * w + x, h * w
    left = _blurred(means + 6 * size, taps, x, y, h, w, TAPS)
    right = _blurred(means + 7 * size, taps, x, y, h, w, TAPS)
    differing = _blurred(means + 8 * size, taps, x, y, h, w, TAPS)
    for n in tl.static_range(3):
        a = _blurred(means + n * size, taps, x, y, h, w, TAPS)
        b = _blurred(means + (3 + n) * size, taps, x, y, h, w, TAPS)
        left -= a * a
        right -= b * b
        differing -= (b - a) * (b - a)
        tl.store(out + (1 + n) * size + at, (b - a) * CODE, mask=inside)
    left, right, differing = tl.maximum(left, 0.0), tl.maximum(right, 0.0), tl.maximum(differing, 0.0)
    strange = (differing / (left + right + PLAIN) - ALIKE) / (STRANGE - ALIKE)
    strange = tl.minimum(tl.maximum(strange, 0.0), 1.0)
    tl.store(out + at, strange * strange * (3 - 2 * strange), mask=inside)
    preferred = LIKED * tl.log((right + PLAIN) / (left + PLAIN))
    ours = _blurred(means + 9 * size, taps, x, y, h, w, TAPS)
    theirs = _blurred(means + 10 * size, taps, x, y, h, w, TAPS)
    odds = SHARP * tl.log(theirs / ours) + tl.minimum(tl.maximum(preferred, -LONGEST), LONGEST)
    for n in tl.static_range(COUNT):
        more = tl.load(shares + 3 * n + 2)
        tl.store(out + (4 + n) * size + at, 1 / (1 + tl.exp(-(odds + more))), mask=inside)


@triton.jit
def cell_at(x, y, cell, h, w):
    """Where pixels lie among [h, w] cells, as `stencil_triton.between` has it; cells are read at their middles."""
    return between((x + 0.5) / cell - 0.5, (y + 0.5) / cell - 0.5, h, w)


@triton.jit
def cell_read(plane, at, across, down, tx, ty):
    """A plane of cells where `cell_at` says."""
    a, b = tl.load(plane + at), tl.load(plane + at + across)
    c, d = tl.load(plane + at + down), tl.load(plane + at + across + down)
    return mixed(a, b, c, d, tx, ty)
