"""Pictures at half the size and flows at twice theirs, as Triton kernels: the steps between levels of a pyramid."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.kernels.stencil_triton import TILE, bounded, emptied, lit, tile, tiles


def halved(planes: list[Tensor], lights: Tensor) -> Tensor:
    """Two or three planes [H, W] at half the size, [N, h, w]; all but the first one in its light, [N - 1, LIGHT]."""
    whole = planes[0].shape
    level = emptied(planes[0], len(planes), *((side + 1) // 2 for side in whole))
    args = (planes[0], planes[1], planes[-1], lights, level, *whole, *level.shape[1:])
    begin_halves_kernel[tiles(*level.shape[1:], len(planes))](*args, LIGHT=lights.shape[1], **TILE)
    return level


def halved_again(level: Tensor) -> Tensor:
    """Planes [N, H, W] at half the size."""
    out = emptied(level, len(level), *((side + 1) // 2 for side in level.shape[1:]))
    halve_kernel[tiles(*out.shape[1:], len(level))](level, out, *level.shape[1:], *out.shape[1:], **TILE)
    return out


def doubled(flow: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Flows [B, h, w, 2] at twice the size, [B, H, W, 2]; `shape` is (H, W)."""
    count, h, w = len(flow), shape[0], shape[1]
    out = emptied(flow, count, h, w, 2)
    double_kernel[tiles(h, w, count)](flow, out, *flow.shape[1:3], h, w, **TILE)
    return out


@triton.jit
def _around(source, light, x, y, hs, ws, h, w, LIT: tl.constexpr):
    """The mean of four by four pixels around; an odd side's last pixel counts twice."""
    total, count = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for j in tl.static_range(4):
        sy = 2 * y + (j - 1)
        for i in tl.static_range(4):
            sx = 2 * x + (i - 1)
            known = (sx >= 0) & (sx < 2 * w) & (sy >= 0) & (sy < 2 * h)
            value = lit(tl.load(source + bounded(sy, hs) * ws + bounded(sx, ws)), light, LIT)
            total += tl.where(known, value, 0.0)
            count += tl.where(known, 1.0, 0.0)
    return total / count


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"))
def begin_halves_kernel(
    frame, first, second, lights, out, hs, ws, h, w, LIGHT: tl.constexpr, TX: tl.constexpr, TY: tl.constexpr
):
    """A frame and one or two targets at half size, targets in their light."""
    x, y, inside = tile(h, w, TX, TY)
    n = tl.program_id(1)
    if n == 0:
        value = _around(frame, lights, x, y, hs, ws, h, w, False)
    elif n == 1:
        value = _around(first, lights, x, y, hs, ws, h, w, True)
    else:
        value = _around(second, lights + LIGHT, x, y, hs, ws, h, w, True)
    tl.store(out + n * (h * w) + y * w + x, value, mask=inside)


@triton.jit(do_not_specialize=("hs", "ws", "h", "w"))
def halve_kernel(source, out, hs, ws, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Planes at half size."""
    x, y, inside = tile(h, w, TX, TY)
    value = _around(source + tl.program_id(1) * (hs * ws), source, x, y, hs, ws, h, w, False)
    tl.store(out + tl.program_id(1) * (h * w) + y * w + x, value, mask=inside)


@triton.jit
def doubled_at(flow, x, y, h, w):
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
    fx, fy = doubled_at(flow + tl.program_id(1) * (hs * ws * 2), x, y, hs, ws)
    out += (tl.program_id(1) * (h * w) + y * w + x) * 2
    tl.store(out, fx, mask=inside)
    tl.store(out + 1, fy, mask=inside)
