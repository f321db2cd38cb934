"""What moves as a place nearby does, as Triton kernels: the motion of four neighbours tried, the best one adopted."""

from __future__ import annotations

import triton
import triton.language as tl

from restrip.propagate.gpu.kernels.stencil_triton import bounded, linear, mean, tile


@triton.jit
def _neighbour(flow, place: tl.constexpr, x, y, h, w, reach):
    """The motion of a place `reach` pixels above, below, left or right, as far as there is one."""
    across: tl.constexpr = 0 if place < 2 else 2 * place - 5
    down: tl.constexpr = 2 * place - 1 if place < 2 else 0
    there = (bounded(y + down * reach, h) * w + bounded(x + across * reach, w)) * 2
    return tl.load(flow + there), tl.load(flow + there + 1)


@triton.jit(do_not_specialize=("h", "w", "reach"), do_not_specialize_on_alignment=("missing", "error"))
def tried_kernel(
    level,
    flow,
    tried,
    missing,
    error,
    h,
    w,
    reach,
    FRESH: tl.constexpr,
    WINDOW: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """What is missing where the motion of four places `reach` pixels away leads; if FRESH, the error of the own."""
    x, y, inside = tile(h, w, TX, TY)
    at, n, size = y * w + x, tl.program_id(1), h * w
    luma = tl.load(level + at)
    for place in tl.static_range(4):
        fx, fy = _neighbour(flow + n * size * 2, place, x, y, h, w, reach)
        seen = linear(level + (n + 1) * size, x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w, level, False)
        tl.store(tried + (n * 4 + place) * size + at, luma - seen, mask=inside)
    if FRESH:
        tl.store(error + n * size + at, mean(missing + n * size, x, y, h, w, WINDOW, True), mask=inside)


@triton.jit(do_not_specialize=("h", "w", "reach"), do_not_specialize_on_alignment=("error",))
def adopted_kernel(
    level,
    flow,
    tried,
    error,
    moved,
    missing,
    h,
    w,
    reach,
    WINDOW: tl.constexpr,
    FAVOUR: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """The motion of one of those four places where that leaves less than FAVOUR of the error."""
    x, y, inside = tile(h, w, TX, TY)
    at, n, size = y * w + x, tl.program_id(1), h * w
    own = flow + (n * size + at) * 2
    fx, fy, left = tl.load(own), tl.load(own + 1), tl.load(error + n * size + at)
    best = left * FAVOUR
    for place in tl.static_range(4):
        other = mean(tried + (n * 4 + place) * size, x, y, h, w, WINDOW, True)
        ox, oy = _neighbour(flow + n * size * 2, place, x, y, h, w, reach)
        taken = other < best
        best, left = tl.where(taken, other, best), tl.where(taken, other, left)
        fx, fy = tl.where(taken, ox, fx), tl.where(taken, oy, fy)
    tl.store(moved + (n * size + at) * 2, fx, mask=inside)
    tl.store(moved + (n * size + at) * 2 + 1, fy, mask=inside)
    tl.store(error + n * size + at, left, mask=inside)
    seen = linear(level + (n + 1) * size, x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w, level, False)
    tl.store(missing + n * size + at, tl.load(level + at) - seen, mask=inside)
