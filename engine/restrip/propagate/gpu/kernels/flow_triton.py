"""The motion search of flow.py as Triton kernels.

    fit once:   gradient -> inverse
    a level:    begin -> chosen -> turn, turn, turn -> kept -> tried -> adopted -> turn -> tried -> adopted -> smooth

Each kernel ends by writing what is missing at each pixel where its motion leads (luma of the frame less that of the
target), and the next one begins by averaging that over a window: so none has more than one place to read a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from restrip.propagate.gpu.kernels.stencil_triton import (
    TILE,
    bounded,
    emptied,
    linear,
    lit,
    mean,
    mirrored,
    tile,
    tiles,
)


def dense(frame: Tensor, targets: list[Tensor], lights: Tensor) -> Tensor:
    """Motion from luma [H, W] to each of the lumas [H, W], seen in its light [B, 2]: [B, H, W, 2]; `flow.dense`."""
    planes, whole = [frame, *targets], frame.shape
    level = emptied(frame, len(planes), *((side + 1) // 2 for side in whole))
    for n, plane in enumerate(planes):
        light = lights[max(n - 1, 0)]
        halve_kernel[tiles(*level.shape[1:])](plane, light, level[n], *whole, *level.shape[1:], LIT=n > 0, **TILE)
    levels = [level]
    while min(levels[-1].shape[1:]) >= 2 * COARSEST:
        source = levels[-1]
        level = emptied(frame, len(planes), *((side + 1) // 2 for side in source.shape[1:]))
        grid = tiles(*level.shape[1:], len(planes))
        halve_kernel[grid](source, lights, level, *source.shape[1:], *level.shape[1:], LIT=False, **TILE)
        levels.append(level)
    flow = None
    for level in reversed(levels):
        flow = _settled(level, flow)
    return _doubled(flow, whole)


@dataclass(frozen=True, eq=False)
class Fit:
    """Least squares with the gradients of one luma: `gradient` [2, H, W], `inverse` [3, H, W] (xx, xy, yy)."""

    gradient: Tensor
    inverse: Tensor

    @classmethod
    def of(cls, luma: Tensor, window: int) -> Fit:
        """Of luma [H, W], or of the first of [N, H, W]."""
        h, w = luma.shape[-2:]
        made = cls(emptied(luma, 2, h, w), emptied(luma, 3, h, w))
        gradient_kernel[tiles(h, w)](luma, made.gradient, h, w, **TILE)
        inverse_kernel[tiles(h, w)](made.gradient, made.inverse, h, w, WINDOW=window, CALM=CALM, **TILE)
        return made


def _settled(level: Tensor, coarse: Tensor | None) -> Tensor:
    """One level of the pyramid [1 + B, H, W]: its flow [B, H, W, 2], from the coarser one's."""
    count, (h, w) = len(level) - 1, level.shape[1:]
    grid, reach = tiles(h, w, count), SEARCHED if coarse is None else NEAR
    fit = Fit.of(level, WINDOW)
    here, there = emptied(level, count, h, w, 2), emptied(level, count, h, w, 2)
    first, second, third, error = emptied(level, 4, count, h, w).unbind(0)
    tried = emptied(level, count, max(4, (2 * reach + 1) ** 2), h, w)
    sides = (1, 1) if coarse is None else coarse.shape[1:3]
    above = here if coarse is None else coarse
    begin_kernel[grid](level, above, here, tried, *sides, h, w, COARSE=coarse is not None, REACH=reach, **TILE)
    chosen_kernel[grid](level, here, tried, first, h, w, REACH=reach, WINDOW=PATCH, FAR=FAR, **TILE)

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


def _doubled(flow: Tensor, shape: tuple[int, ...]) -> Tensor:
    count, h, w = len(flow), shape[0], shape[1]
    out = emptied(flow, count, h, w, 2)
    double_kernel[tiles(h, w, count)](flow, out, *flow.shape[1:3], h, w, **TILE)
    return out


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"), do_not_specialize_on_alignment=("source", "light", "out"))
def halve_kernel(source, light, out, hs, ws, h, w, LIT: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr):
    """Planes at half size: the mean of four by four pixels around; an odd side's last pixel counts twice."""
    x, y, inside = tile(h, w, TX, TY)
    source += tl.program_id(1) * (hs * ws)
    total, count = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for j in tl.static_range(4):
        sy = 2 * y + (j - 1)
        for i in tl.static_range(4):
            sx = 2 * x + (i - 1)
            known = (sx >= 0) & (sx < 2 * w) & (sy >= 0) & (sy < 2 * h)
            value = lit(tl.load(source + bounded(sy, hs) * ws + bounded(sx, ws)), light, LIT)
            total += tl.where(known, value, 0.0)
            count += tl.where(known, 1.0, 0.0)
    tl.store(out + tl.program_id(1) * (h * w) + y * w + x, total / count, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def gradient_kernel(luma, gradient, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Scharr's, a pixel; edges mirror."""
    x, y, inside = tile(h, w, TX, TY)
    left, right = mirrored(x - 1, w), mirrored(x + 1, w)
    above, line, below = mirrored(y - 1, h) * w, y * w, mirrored(y + 1, h) * w
    a, b, c = tl.load(luma + above + left), tl.load(luma + above + x), tl.load(luma + above + right)
    d, e = tl.load(luma + line + left), tl.load(luma + line + right)
    f, g, k = tl.load(luma + below + left), tl.load(luma + below + x), tl.load(luma + below + right)
    across = (3.0 * ((c - a) + (k - f)) + 10.0 * (e - d)) * (1.0 / 32)
    down = (3.0 * ((f - a) + (k - c)) + 10.0 * (g - b)) * (1.0 / 32)
    tl.store(gradient + line + x, across, mask=inside)
    tl.store(gradient + h * w + line + x, down, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
def inverse_kernel(
    gradient, inverse, h, w, WINDOW: tl.constexpr, CALM: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr
):
    """The inverse of the gradient's tensor over a window."""
    x, y, inside = tile(h, w, TX, TY)
    xx, xy, yy = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for j in range(WINDOW):
        line = mirrored(y + (j - WINDOW // 2), h) * w
        for i in tl.static_range(WINDOW):
            at = line + mirrored(x + (i - WINDOW // 2), w)
            gx, gy = tl.load(gradient + at), tl.load(gradient + h * w + at)
            xx += gx * gx
            xy += gx * gy
            yy += gy * gy
    share = 1.0 / (WINDOW * WINDOW)
    xx, xy, yy = xx * share + CALM, xy * share, yy * share + CALM
    one = 1.0 / (xx * yy - xy * xy)
    at = y * w + x
    tl.store(inverse + at, yy * one, mask=inside)
    tl.store(inverse + h * w + at, -xy * one, mask=inside)
    tl.store(inverse + 2 * (h * w) + at, xx * one, mask=inside)


@triton.jit
def _doubled_at(flow, x, y, h, w):
    """Both parts of a flow of half the size, [h, w, 2], at pixels of the whole one."""
    at, across, down, tx, ty = _half_between(x, y, h, w)
    fx = _mixed2(flow, at, across, down, tx, ty)
    fy = _mixed2(flow + 1, at, across, down, tx, ty)
    return 2.0 * fx, 2.0 * fy


@triton.jit
def _half_between(x, y, h, w):
    fx = tl.maximum(x.to(tl.float32) * 0.5 - 0.25, 0.0)
    fy = tl.maximum(y.to(tl.float32) * 0.5 - 0.25, 0.0)
    ix, iy = fx.to(tl.int32), fy.to(tl.int32)
    across, down = tl.minimum(ix + 1, w - 1) - ix, (tl.minimum(iy + 1, h - 1) - iy) * w
    return iy * w + ix, across, down, fx - ix.to(tl.float32), fy - iy.to(tl.float32)


@triton.jit
def _mixed2(part, at, across, down, tx, ty):
    a, b = tl.load(part + at * 2), tl.load(part + (at + across) * 2)
    c, d = tl.load(part + (at + down) * 2), tl.load(part + (at + down + across) * 2)
    above, below = a + tx * (b - a), c + tx * (d - c)
    return above + ty * (below - above)


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"))
def double_kernel(flow, out, hs, ws, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Flows at twice the size."""
    x, y, inside = tile(h, w, TX, TY)
    fx, fy = _doubled_at(flow + tl.program_id(1) * (hs * ws * 2), x, y, hs, ws)
    out += (tl.program_id(1) * (h * w) + y * w + x) * 2
    tl.store(out, fx, mask=inside)
    tl.store(out + 1, fy, mask=inside)


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"))
def begin_kernel(
    level,
    coarse,
    flow,
    tried,
    hs,
    ws,
    h,
    w,
    COARSE: tl.constexpr,
    REACH: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """The coarser level's flow, and what is missing at all whole steps from it within REACH."""
    SIDE: tl.constexpr = 2 * REACH + 1
    x, y, inside = tile(h, w, TX, TY)
    at, n = y * w + x, tl.program_id(1)
    if COARSE:
        fx, fy = _doubled_at(coarse + n * (hs * ws * 2), x, y, hs, ws)
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
    h,
    w,
    REACH: tl.constexpr,
    WINDOW: tl.constexpr,
    FAR: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Go the step that leaves least missing; near ones are preferred by FAR a pixel."""
    SIDE: tl.constexpr = 2 * REACH + 1
    x, y, inside = tile(h, w, TX, TY)
    at, n = y * w + x, tl.program_id(1)
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


@triton.jit(do_not_specialize=("h", "w"))
def turn_kernel(
    frame,
    targets,
    gradient,
    inverse,
    missing,
    flow,
    light,
    out,
    moved,
    h,
    w,
    FIRST: tl.constexpr,
    WINDOW: tl.constexpr,
    FARTHEST: tl.constexpr,
    LIT: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """One turn of least squares: the flow moved to where luma agrees, and what is missing there.

    The first target is plane FIRST of `targets`. `moved` may be `flow`, `out` may not be `missing`.
    """
    x, y, inside = tile(h, w, TX, TY)
    at, n, size = y * w + x, tl.program_id(1), h * w
    sx, sy = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for j in range(WINDOW):
        line = mirrored(y + (j - WINDOW // 2), h) * w
        for i in tl.static_range(WINDOW):
            there = line + mirrored(x + (i - WINDOW // 2), w)
            value = tl.load(missing + n * size + there)
            sx += value * tl.load(gradient + there)
            sy += value * tl.load(gradient + size + there)
    share = 1.0 / (WINDOW * WINDOW)
    sx, sy = sx * share, sy * share
    xx, xy, yy = tl.load(inverse + at), tl.load(inverse + size + at), tl.load(inverse + 2 * size + at)
    fx = tl.minimum(tl.maximum(xx * sx + xy * sy, -FARTHEST), FARTHEST) + tl.load(flow + (n * size + at) * 2)
    fy = tl.minimum(tl.maximum(xy * sx + yy * sy, -FARTHEST), FARTHEST) + tl.load(flow + (n * size + at) * 2 + 1)
    tl.store(moved + (n * size + at) * 2, fx, mask=inside)
    tl.store(moved + (n * size + at) * 2 + 1, fy, mask=inside)
    seen = linear(targets + (n + FIRST) * size, x.to(tl.float32) + fx, y.to(tl.float32) + fy, h, w, light, LIT)
    tl.store(out + n * size + at, tl.load(frame + at) - seen, mask=inside)


@triton.jit(do_not_specialize=("h", "w"))
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


@triton.jit
def _neighbour(flow, place: tl.constexpr, x, y, h, w, reach):
    """The motion of a place `reach` pixels above, below, left or right, as far as there is one."""
    across: tl.constexpr = 0 if place < 2 else 2 * place - 5
    down: tl.constexpr = 2 * place - 1 if place < 2 else 0
    there = (bounded(y + down * reach, h) * w + bounded(x + across * reach, w)) * 2
    return tl.load(flow + there), tl.load(flow + there + 1)


@triton.jit(do_not_specialize=("h", "w", "reach"))
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


@triton.jit(do_not_specialize=("h", "w", "reach"))
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


@triton.jit(do_not_specialize=("h", "w"))
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
