"""Where a place stands still, as Triton kernels: stillness.py's functions, a start each."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.calm_motion import MARGIN, NOISE
from restrip.propagate.gpu.kernels.stencil_triton import TILE, bounded, emptied, linear, tile, tiles


def off_by(frame: Tensor, before: Tensor, step: Tensor) -> Tensor:
    """Squared differences [2, H, W] of luma in place and along the step; `stillness.off_by`."""
    h, w = frame.shape
    out = emptied(frame, 2, h, w)
    off_kernel[tiles(h, w)](frame, before, step.contiguous(), out, h, w, **TILE)
    return out


def resting(around: Tensor) -> Tensor:
    """Where nothing moves, [1, H, W]; `stillness.resting`."""
    h, w = around.shape[1:]
    out = emptied(around, 1, h, w)
    resting_kernel[tiles(h, w)](around, out, h, w, NOISE=float(NOISE), MARGIN=float(MARGIN), **TILE)
    return out


@triton.jit(do_not_specialize=("h", "w"))
def off_kernel(frame, before, step, out, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Luma less that of the frame before, squared: at the same place, and where the step leads."""
    x, y, inside = tile(h, w, TX, TY)
    at = y * w + x
    own = tl.load(frame + at)
    stays = own - tl.load(before + at)
    fx, fy = x.to(tl.float32) + tl.load(step + at * 2), y.to(tl.float32) + tl.load(step + at * 2 + 1)
    moves = own - linear(before, fx, fy, h, w, before, False)
    tl.store(out + at, stays * stays, mask=inside)
    tl.store(out + h * w + at, moves * moves, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def resting_kernel(around, out, h, w, NOISE: tl.constexpr, MARGIN: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr):
    """1 where no motion explains any of the 5x5 pixels around as well as the step to it, else 0."""
    x, y, inside = tile(h, w, TX, TY)
    rests = tl.zeros_like(x).to(tl.float32) + 1.0
    for n in range(25):
        at = bounded(y + (n // 5 - 2), h) * w + bounded(x + (n % 5 - 2), w)
        stays, moves = tl.load(around + at), tl.load(around + h * w + at)
        rests = tl.where(stays > NOISE + MARGIN * moves, 0.0, rests)
    tl.store(out + y * w + x, rests, mask=inside)
