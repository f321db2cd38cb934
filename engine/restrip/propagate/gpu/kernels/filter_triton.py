"""Separable filters as a Triton kernel: filters.py's, a start for each direction whatever the number of taps."""

from __future__ import annotations

from functools import lru_cache

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.gpu import filters
from restrip.propagate.gpu.filters import Taps
from restrip.propagate.gpu.kernels.stencil_triton import TILE, bounded, emptied, mirrored, tile, tiles


def filtered(planes: Tensor, taps: Taps, mirrored: bool = False) -> Tensor:
    """Planes [N, H, W] float32 filtered across and down; `filters.filtered`."""
    count, h, w = planes.shape
    if min(h, w) <= len(taps) // 2:  # it would mirror more than once
        return filters.filtered(planes, taps, mirrored)
    weights, along, out = _weights(taps, planes.device), emptied(planes, count, h, w), emptied(planes, count, h, w)
    for source, to, across in ((planes.contiguous(), along, True), (along, out, False)):
        args = (source, weights, to, len(taps), h, w)
        filter_kernel[tiles(h, w, count)](*args, ACROSS=across, MIRRORED=mirrored, **TILE)
    return out


def steepness(planes: Tensor) -> Tensor:
    """Squared gradients [1, H, W] of planes [N, H, W]; `filters.steepness`."""
    count, h, w = planes.shape
    if min(h, w) < 2:
        return filters.steepness(planes)
    out = emptied(planes, 1, h, w)
    steepness_kernel[tiles(h, w)](planes.contiguous(), out, count, h, w, **TILE)
    return out


@lru_cache(maxsize=32)
def _weights(taps: Taps, device: torch.device) -> Tensor:
    return torch.tensor(taps, device=device)


@triton.jit(do_not_specialize=("count", "h", "w"), do_not_specialize_on_alignment=("source", "weights", "out"))
def filter_kernel(
    source,
    weights,
    out,
    count,
    h,
    w,
    ACROSS: tl.constexpr,
    MIRRORED: tl.constexpr,
    TX: tl.constexpr,
    TY: tl.constexpr,
):
    """Planes filtered in one direction."""
    x, y, inside = tile(h, w, TX, TY)
    source += tl.program_id(1) * (h * w)
    total = tl.zeros_like(x).to(tl.float32)
    for n in range(count):
        weight, off = tl.load(weights + n), n - count // 2
        if ACROSS:
            there = y * w + (mirrored(x + off, w) if MIRRORED else bounded(x + off, w))
        else:
            there = (mirrored(y + off, h) if MIRRORED else bounded(y + off, h)) * w + x
        total += weight * tl.load(source + there)
    tl.store(out + tl.program_id(1) * (h * w) + y * w + x, total, mask=inside)


@triton.jit(do_not_specialize=("count", "h", "w"))
def steepness_kernel(planes, out, count, h, w, TX: tl.constexpr, TY: tl.constexpr):
    """Sobel's gradients, an eighth, squared and added over all planes; edges mirror."""
    x, y, inside = tile(h, w, TX, TY)
    left, right = mirrored(x - 1, w), mirrored(x + 1, w)
    above, line, below = mirrored(y - 1, h) * w, y * w, mirrored(y + 1, h) * w
    flat, tall = tl.zeros_like(x).to(tl.float32), tl.zeros_like(x).to(tl.float32)
    for _ in range(count):
        a, b, c = tl.load(planes + above + left), tl.load(planes + above + x), tl.load(planes + above + right)
        d, e = tl.load(planes + line + left), tl.load(planes + line + right)
        f, g, k = tl.load(planes + below + left), tl.load(planes + below + x), tl.load(planes + below + right)
        across = (((c + k) + 2.0 * e) - ((a + f) + 2.0 * d)) * 0.125
        down = (((f + k) + 2.0 * g) - ((a + c) + 2.0 * b)) * 0.125
        flat += across * across
        tall += down * down
        planes += h * w
    tl.store(out + y * w + x, flat + tall, mask=inside)
