"""Reading a key as Triton kernels: read.py's functions, one launch each.

All is done on the eight channels of the packed key at once: 0..2 style, 3..5 source, 6 luma x 64, 7 one.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.shading import REACH, RIDGE, STEEPEST
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.kernels.stencil_triton import bounded
from restrip.propagate.gpu.vote import Readable

BLOCK = 128


def vote(frame: Tensor, key: Readable, field: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel as the mean of what the 25 patches over it say; `read.vote` says of what."""
    h, w = field.shape[:2]
    style, errors = _empty(h, w, field.device)
    args = (frame.contiguous(), key.packed, key.slopes, field.contiguous(), light.contiguous(), style, errors, h, w)
    grid = (triton.cdiv(h * w, BLOCK),)
    vote_kernel[grid](*args, CODE=CODE, REACH=REACH, RIDGE=RIDGE, STEEPEST=STEEPEST * CODE, BLOCK=BLOCK)
    return style, errors


def read(frame: Tensor, key: Readable, flow: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
    """The key seen through the motion [H, W, 2]; `read.read` says of what."""
    h, w = flow.shape[:2]
    style, errors = _empty(h, w, flow.device)
    args = (frame.contiguous(), key.packed, key.slopes, flow.contiguous(), light.contiguous(), style, errors, h, w)
    read_kernel[(triton.cdiv(h * w, BLOCK),)](*args, CODE=CODE, REACH=REACH, BLOCK=BLOCK)
    return style, errors


def _empty(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.empty((h, w, 3), device=device), torch.empty((h, w), device=device)


@triton.jit
def _sample(key, place):
    """The channels [BLOCK, 8] of the key at pixels `place` [BLOCK], float32."""
    bits = tl.load(key + place[:, None] * 8 + tl.arange(0, 8)[None, :]).to(tl.int32)
    return (bits & 0xFFFF).to(tl.float32)


@triton.jit
def _channel(tile, n: tl.constexpr):
    """Channel n of [BLOCK, 8], as [BLOCK]."""
    return tl.sum(tl.where(tl.arange(0, 8)[None, :] == n, tile, 0.0), axis=1)


@triton.jit
def _missing(frame, at, told):
    """What the frame has beyond the exposed source in channels 3..5 of `told`, [BLOCK, 8]; 0 elsewhere."""
    channel = tl.arange(0, 8)[None, :]
    source = (channel >= 3) & (channel < 6)
    seen = tl.load(frame + at[:, None] * 3 + channel - 3, mask=source & (at[:, None] >= 0), other=0).to(tl.float32)
    return tl.where(source, seen - told, 0.0)


@triton.jit
def _luma(missing):
    channel = tl.arange(0, 8)[None, :]
    weight = tl.where(channel == 3, 0.299, tl.where(channel == 4, 0.587, tl.where(channel == 5, 0.114, 0.0)))
    return tl.sum(missing * weight, axis=1)


@triton.jit
def _slopes(slopes, place):
    channel = tl.arange(0, 8)[None, :]
    mask = (channel < 3) & (place[:, None] >= 0)
    return tl.load(slopes + place[:, None] * 3 + channel, mask=mask, other=0.0)


@triton.jit
def _stored(style, errors, at, inside, told, missing):
    channel = tl.arange(0, 8)[None, :]
    tl.store(style + at[:, None] * 3 + channel, told, mask=inside[:, None] & (channel < 3))
    tl.store(errors + at, tl.sum(missing * missing, axis=1), mask=inside)


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("light",))
def vote_kernel(
    frame,
    key,
    slopes,
    field,
    light,
    style,
    errors,
    h,
    w,
    CODE: tl.constexpr,
    REACH: tl.constexpr,
    RIDGE: tl.constexpr,
    STEEPEST: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The mean of 25 samples, and a regression of style against luma over the same 25."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    gain, brighter, offset = tl.load(light), tl.load(light + 1), tl.load(light + 2)
    sums = tl.zeros((BLOCK, 8), tl.float32)
    along = tl.zeros((BLOCK, 8), tl.float32)
    for dy in range(-2, 3):
        for dx in tl.static_range(-2, 3):
            known = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
            there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
            cx, cy = tl.load(field + there).to(tl.int32) - dx, tl.load(field + there + 1).to(tl.int32) - dy
            sample = tl.where(known[:, None], _sample(key, bounded(cy, h) * w + bounded(cx, w)), 0.0)
            sums += sample
            along += _channel(sample, 6)[:, None] * sample
    share = 1.0 / _channel(sums, 7)
    mean, along = sums * share[:, None], along * share[:, None]
    luma = _channel(mean, 6)
    loose = 1.0 / ((_channel(along, 6) - luma * luma) * (1.0 / 4096) + RIDGE)
    missing = _missing(frame, at, mean * brighter + offset)
    beyond = gain * tl.minimum(tl.maximum(_luma(missing), -REACH), REACH)
    centre = tl.load(field + at * 2 + 1).to(tl.int32) * w + tl.load(field + at * 2).to(tl.int32)
    slope = (along - luma[:, None] * mean) * (1.0 / 64) * loose[:, None] + RIDGE * loose[:, None] * _slopes(
        slopes, centre
    )
    slope = tl.minimum(tl.maximum(slope, -STEEPEST), STEEPEST)
    told = mean * brighter + offset * CODE + beyond[:, None] * slope
    _stored(style, errors, at, inside, told, missing)


@triton.jit
def _cubic(t, n: tl.constexpr):
    """Catmull-Rom weight of sample n of the four around a fraction t."""
    if n == 0:
        weight = 0.5 * t * ((2.0 - t) * t - 1.0)
    elif n == 1:
        weight = 0.5 * ((3.0 * t - 5.0) * t * t + 2.0)
    elif n == 2:
        weight = 0.5 * t * ((4.0 - 3.0 * t) * t + 1.0)
    else:
        weight = 0.5 * t * t * (t - 1.0)
    return weight


@triton.jit(do_not_specialize=("h", "w"), do_not_specialize_on_alignment=("light",))
def read_kernel(
    frame,
    key,
    slopes,
    flow,
    light,
    style,
    errors,
    h,
    w,
    CODE: tl.constexpr,
    REACH: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """The key seen through the motion, cubic; edges repeat."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    gain, brighter, offset = tl.load(light), tl.load(light + 1), tl.load(light + 2)
    fx = tl.minimum(tl.maximum((at % w).to(tl.float32) + tl.load(flow + at * 2), 0.0), (w - 1) * 1.0)
    fy = tl.minimum(tl.maximum((at // w).to(tl.float32) + tl.load(flow + at * 2 + 1), 0.0), (h - 1) * 1.0)
    ix, iy = fx.to(tl.int32), fy.to(tl.int32)
    tx, ty = fx - ix.to(tl.float32), fy - iy.to(tl.float32)
    sums = tl.zeros((BLOCK, 8), tl.float32)
    for j in tl.static_range(4):
        line = bounded(iy + (j - 1), h) * w
        for i in tl.static_range(4):
            weight = _cubic(ty, j) * _cubic(tx, i)
            sums += weight[:, None] * _sample(key, line + bounded(ix + (i - 1), w))
    missing = _missing(frame, at, sums * brighter + offset)
    beyond = gain * tl.minimum(tl.maximum(_luma(missing), -REACH), REACH)
    place = (fy + 0.5).to(tl.int32) * w + (fx + 0.5).to(tl.int32)
    told = sums * brighter + offset * CODE + beyond[:, None] * _slopes(slopes, place)
    _stored(style, errors, at, inside, told, missing)
