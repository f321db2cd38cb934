"""Least squares that move a flow to where luma agrees, as Triton kernels (Baker and Matthews 2004, section 3.2).

once:      gradient -> inverse
a turn:    what is missing around each pixel -> a step -> what is missing there
"""

from __future__ import annotations

from dataclasses import dataclass

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu.flow import CALM
from restrip.propagate.gpu.kernels.stencil_triton import TILE, emptied, linear, mirrored, tile, tiles


@dataclass(frozen=True, eq=False)
class Fit:
    """Least squares with the gradients of one luma: `gradient` [2, H, W], `inverse` [3, H, W] (xx, xy, yy)."""

    gradient: Tensor
    inverse: Tensor

    @classmethod
    def empty(cls, luma: Tensor) -> Fit:
        """For luma [H, W], or the first of [N, H, W]; not found yet."""
        h, w = luma.shape[-2:]
        return cls(emptied(luma, 2, h, w), emptied(luma, 3, h, w))

    @classmethod
    def of(cls, luma: Tensor, window: int) -> Fit:
        """Of luma [H, W], or of the first of [N, H, W]."""
        h, w = luma.shape[-2:]
        made = cls.empty(luma)
        gradient_kernel[tiles(h, w)](luma, made.gradient, h, w, **TILE)
        inverse_kernel[tiles(h, w)](made.gradient, made.inverse, h, w, WINDOW=window, CALM=CALM, **TILE)
        return made


@triton.jit(do_not_specialize=("h", "w"))
def gradient_kernel(luma, gradient, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Scharr's, a pixel; edges mirror."""
    x, y, inside = tile(h, w, TX, TY)
    put_gradient(luma, gradient, x, y, inside, h, w)


@triton.jit
def put_gradient(luma, gradient, x, y, inside, h, w):
    """Write the gradient of luma at these pixels."""
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
    put_inverse(gradient, inverse, x, y, inside, h, w, WINDOW, CALM)


@triton.jit
def put_inverse(gradient, inverse, x, y, inside, h, w, WINDOW: tl.constexpr, CALM: tl.constexpr):
    """Write that inverse at these pixels."""
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


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("missing", "out"))
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
