"""The motion search of flow.py as Triton kernels.

    a level:    begin -> chosen -> turn, turn, turn -> kept -> tried -> adopted -> turn -> tried -> adopted -> smooth

The first two also find the gradient and its inverse, which turns need. Each kernel ends by writing what is missing at
each pixel where its motion leads (luma of the frame less that of the target), and the next one begins by averaging that
over a window: so none has more than one place to read a pixel.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.flow import (
    AROUND,
    CALM,
    COARSEST,
    FAR,
    FARTHEST,
    FAVOUR,
    NEAR,
    NOISE,
    PATCH,
    REACHES,
    SEARCHED,
    TURNS,
    WINDOW,
)
from restrip.propagate.gpu.kernels.fit_triton import Fit, put_gradient, put_inverse, turn_kernel
from restrip.propagate.gpu.kernels.neighbours_triton import adopted_kernel, tried_kernel
from restrip.propagate.gpu.kernels.pyramid_triton import doubled, doubled_at, halved, halved_again
from restrip.propagate.gpu.kernels.stencil_triton import TILE, emptied, linear, mean, mirrored, tile, tiles


def dense(frame: Tensor, targets: list[Tensor], lights: Tensor) -> Tensor:
    """Motion from luma [H, W] to each of the lumas [H, W], seen in its light [B, 2]: [B, H, W, 2]; `flow.dense`."""
    levels = [halved([frame, *targets], lights)]
    while min(levels[-1].shape[1:]) >= 2 * COARSEST:
        levels.append(halved_again(levels[-1]))
    flow = None
    for level in reversed(levels):
        flow = _settled(level, flow)
    assert flow is not None
    return doubled(flow, frame.shape)


def _settled(level: Tensor, coarse: Tensor | None) -> Tensor:
    """One level of the pyramid [1 + B, H, W]: its flow [B, H, W, 2], from the coarser one's."""
    count, (h, w) = len(level) - 1, level.shape[1:]
    grid, reach = tiles(h, w, count), SEARCHED if coarse is None else NEAR
    fit = Fit.empty(level)
    here, there = emptied(level, count, h, w, 2), emptied(level, count, h, w, 2)
    first, second, third, error = emptied(level, 4, count, h, w).unbind(0)
    tried = emptied(level, count, max(4, (2 * reach + 1) ** 2), h, w)
    sides = (1, 1) if coarse is None else coarse.shape[1:3]
    above = here if coarse is None else coarse
    how = {"REACH": reach, **TILE}
    begin_kernel[grid](level, above, here, tried, fit.gradient, *sides, h, w, COARSE=coarse is not None, **how)
    args = (level, here, tried, first, fit.gradient, fit.inverse, h, w)
    chosen_kernel[grid](*args, WINDOW=PATCH, FAR=FAR, FIT=WINDOW, CALM=CALM, **how)

    def turn(missing: Tensor, flow: Tensor, out: Tensor, moved: Tensor) -> None:
        args = (level, level, fit.gradient, fit.inverse, missing, flow, level, out, moved, h, w)
        turn_kernel[grid](*args, FIRST=1, WINDOW=WINDOW, FARTHEST=FARTHEST, LIT=False, **TILE)

    flow, left, other = here, first, second
    for _ in range(TURNS):
        turn(left, flow, other, there)
        flow, left, other = there, other, third if other is second else second
    kept_kernel[grid](first, here, left, there, error, h, w, WINDOW=PATCH, **TILE)
    flow, other = there, here
    for n, reach in enumerate(REACHES):
        tried_kernel[grid](level, flow, tried, second, error, h, w, reach, FRESH=n > 0, WINDOW=PATCH, **TILE)
        adopted_kernel[grid](level, flow, tried, error, other, first, h, w, reach, WINDOW=PATCH, FAVOUR=FAVOUR, **TILE)
        flow, other = other, flow
        if n + 1 < len(REACHES):
            turn(first, flow, second, flow)
    smooth_kernel[grid](flow, error, other, h, w, WINDOW=AROUND, NOISE=NOISE, **TILE)
    return other


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"))
def begin_kernel(
    level,
    coarse,
    flow,
    tried,
    gradient,
    hs,
    ws,
    h,
    w,
    COARSE: tl.constexpr,
    REACH: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """The coarser level's flow, and what is missing at all whole steps from it within REACH; and luma's gradient."""
    SIDE: tl.constexpr = 2 * REACH + 1
    x, y, inside = tile(h, w, TX, TY)
    at, n = y * w + x, tl.program_id(1)
    if n == 0:
        put_gradient(level, gradient, x, y, inside, h, w)
    if COARSE:
        fx, fy = doubled_at(coarse + n * (hs * ws * 2), x, y, hs, ws)
    else:
        fx, fy = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    tl.store(flow + (n * (h * w) + at) * 2, fx, mask=inside)
    tl.store(flow + (n * (h * w) + at) * 2 + 1, fy, mask=inside)
    luma, target = tl.load(level + at), level + (n + 1) * (h * w)
    fx, fy = fx + x.to(tl.float32), fy + y.to(tl.float32)
    for move in range(SIDE * SIDE):
        sx, sy = fx + (move // SIDE - REACH), fy + (move % SIDE - REACH)
        missing = luma - linear(target, sx, sy, h, w, level, False)
        tl.store(tried + (n * (SIDE * SIDE) + move) * (h * w) + at, missing, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def chosen_kernel(
    level,
    flow,
    tried,
    missing,
    gradient,
    inverse,
    h,
    w,
    REACH: tl.constexpr,
    WINDOW: tl.constexpr,
    FAR: tl.constexpr,
    FIT: tl.constexpr,
    CALM: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Go the step that leaves least missing; near ones are preferred by FAR a pixel. And what least squares need."""
    SIDE: tl.constexpr = 2 * REACH + 1
    x, y, inside = tile(h, w, TX, TY)
    at, n = y * w + x, tl.program_id(1)
    if n == 0:
        put_inverse(gradient, inverse, x, y, inside, h, w, FIT, CALM)
    best, bx, by = tl.zeros_like(x).to(tl.float32) + float("inf"), tl.zeros_like(x), tl.zeros_like(x)
    for move in range(SIDE * SIDE):
        mx, my = tl.zeros_like(x) + (move // SIDE - REACH), tl.zeros_like(x) + (move % SIDE - REACH)
        plane = tried + (n * (SIDE * SIDE) + move) * (h * w)
        error = mean(plane, x, y, h, w, WINDOW, True) + FAR * (tl.abs(mx) + tl.abs(my)).to(tl.float32)
        taken = error < best
        best, bx, by = tl.where(taken, error, best), tl.where(taken, mx, bx), tl.where(taken, my, by)
    own = flow + (n * (h * w) + at) * 2
    fx, fy = tl.load(own) + bx.to(tl.float32), tl.load(own + 1) + by.to(tl.float32)
    tl.store(own, fx, mask=inside)
    tl.store(own + 1, fy, mask=inside)
    seen = linear(level + (n + 1) * (h * w), x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w, level, False)
    tl.store(missing + n * (h * w) + at, tl.load(level + at) - seen, mask=inside)


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("missing", "error"))
def kept_kernel(before, flow, missing, moved, error, h, w, WINDOW: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr):
    """The flow as it was, where it left no more than the moved one leaves; and the error."""
    x, y, inside = tile(h, w, TX, TY)
    at = tl.program_id(1) * (h * w) + y * w + x
    base = tl.program_id(1) * (h * w)
    old = mean(before + base, x, y, h, w, WINDOW, True)
    new = mean(missing + base, x, y, h, w, WINDOW, True)
    keep = inside & (new >= old)
    tl.store(moved + at * 2, tl.load(flow + at * 2), mask=keep)
    tl.store(moved + at * 2 + 1, tl.load(flow + at * 2 + 1), mask=keep)
    tl.store(error + at, tl.minimum(new, old), mask=inside)


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("error",))
def smooth_kernel(
    flow, error, out, h, w, WINDOW: tl.constexpr, NOISE: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr
):
    """The mean of the motion around each pixel, of places that fit."""
    x, y, inside = tile(h, w, TX, TY)
    base = tl.program_id(1) * (h * w)
    sx, sy, worth = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for j in range(WINDOW):
        line = base + mirrored(y + (j - WINDOW // 2), h) * w
        for i in tl.static_range(WINDOW):
            there = line + mirrored(x + (i - WINDOW // 2), w)
            trust = 1.0 / (tl.load(error + there) + NOISE)
            trust = trust * trust
            sx += trust * tl.load(flow + there * 2)
            sy += trust * tl.load(flow + there * 2 + 1)
            worth += trust
    at = base + y * w + x
    tl.store(out + at * 2, sx / worth, mask=inside)
    tl.store(out + at * 2 + 1, sy / worth, mask=inside)
