"""Group normalization of pictures whose channels lie side by side, by Triton kernels.

torch's own on a GPU wants each channel by itself: it copies its input to that order and its result is copied back by
the next convolution. Here the order stays, and the picture is read twice and written once:

    parts    mean and spread of each channel over a piece of the picture
    fold     pieces and a group's channels together: what each channel is multiplied by, and what is added
    applied  x * scale + shift
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

# Pixels of a piece at least, pieces of a picture at most, and the pixels and channels that a program holds at once.
PIECE, MOST_PIECES, STEP, CHANNELS = 128, 256, 32, 64


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """As torch.nn.functional.group_norm of x [rows, channels, h, w], which lies channels last, as the result does."""
    rows, channels, h, w = x.shape
    pixels, like = h * w, {"device": x.device, "dtype": torch.float32}
    piece = max(PIECE, triton.next_power_of_2(triton.cdiv(pixels, MOST_PIECES)))
    pieces, blocks = triton.cdiv(pixels, piece), triton.cdiv(channels, CHANNELS)
    means, squares = torch.empty((2, rows, pieces, channels), **like)
    scale, shift = torch.empty((2, rows, channels), **like)
    out = torch.empty_like(x)
    parts_kernel[(pieces, blocks, rows)](x, means, squares, pixels, channels, PIECE=piece, STEP=STEP, CHANNELS=CHANNELS)
    width = channels // groups
    fold_kernel[(groups, rows)](
        means, squares, weight, bias, scale, shift, pixels, channels, pieces, width, eps,
        PIECE=piece, PIECES=triton.next_power_of_2(pieces), WIDTH=triton.next_power_of_2(width),
    )  # fmt: skip
    grid = triton.cdiv(pixels, STEP), blocks, rows
    applied_kernel[grid](x, scale, shift, out, pixels, channels, STEP=STEP, CHANNELS=CHANNELS)
    return out


@triton.jit
def parts_kernel(
    x, means, squares, pixels, channels, PIECE: tl.constexpr, STEP: tl.constexpr, CHANNELS: tl.constexpr
):  # fmt: skip
    """Of a piece, by channel: the mean, and the sum of squared distances from it."""
    piece, row = tl.program_id(0), tl.program_id(2).to(tl.int64)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    known, first = c < channels, piece * PIECE
    picture = x + row * pixels * channels
    # Counted from the first pixel: what all pixels have in common would cost digits.
    start = tl.load(picture + first * channels + c, mask=known, other=0.0).to(tl.float32)
    totals = tl.zeros((STEP, CHANNELS), tl.float32)
    second = tl.zeros((STEP, CHANNELS), tl.float32)
    for at in range(0, PIECE, STEP):
        p = first + at + tl.arange(0, STEP)
        inside = (p < pixels)[:, None] & known[None, :]
        value = tl.load(picture + p[:, None] * channels + c[None, :], mask=inside, other=0.0).to(tl.float32)
        off = tl.where(inside, value - start[None, :], 0.0)
        totals += off
        second += off * off
    total, square = tl.sum(totals, axis=0), tl.sum(second, axis=0)
    count = tl.minimum(PIECE, pixels - first).to(tl.float32)
    mean = total / count
    into = (row * tl.num_programs(0) + piece) * channels + c
    tl.store(means + into, start + mean, mask=known)
    tl.store(squares + into, tl.maximum(square - count * mean * mean, 0.0), mask=known)


@triton.jit
def fold_kernel(
    means, squares, weight, bias, scale, shift, pixels, channels, pieces, width, eps,
    PIECE: tl.constexpr, PIECES: tl.constexpr, WIDTH: tl.constexpr,
):  # fmt: skip
    """Of a row's group: what its channels are multiplied by, and what is added."""
    group, row = tl.program_id(0), tl.program_id(1).to(tl.int64)
    k, inner = tl.arange(0, PIECES), tl.arange(0, WIDTH)
    c, known = group * width + inner, inner < width
    inside = (k < pieces)[:, None] & known[None, :]
    at = (row * pieces + k[:, None]) * channels + c[None, :]
    mean = tl.load(means + at, mask=inside, other=0.0)
    square = tl.load(squares + at, mask=inside, other=0.0)
    count = tl.where(inside, tl.minimum(PIECE, pixels - k[:, None] * PIECE).to(tl.float32), 0.0)
    whole = (pixels * width).to(tl.float32)
    middle = tl.sum(tl.sum(count * mean, axis=1), axis=0) / whole
    off = mean - middle
    spread = tl.sum(tl.sum(square + count * off * off, axis=1), axis=0) / whole
    w = tl.load(weight + c, mask=known, other=0.0).to(tl.float32)
    b = tl.load(bias + c, mask=known, other=0.0).to(tl.float32)
    by = w / tl.sqrt(spread + eps)
    tl.store(scale + row * channels + c, by, mask=known)
    tl.store(shift + row * channels + c, b - middle * by, mask=known)


@triton.jit
def applied_kernel(x, scale, shift, out, pixels, channels, STEP: tl.constexpr, CHANNELS: tl.constexpr):
    """A few pixels of some channels."""
    row = tl.program_id(2).to(tl.int64)
    p = tl.program_id(0) * STEP + tl.arange(0, STEP)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    known = c < channels
    by = tl.load(scale + row * channels + c, mask=known, other=0.0)
    more = tl.load(shift + row * channels + c, mask=known, other=0.0)
    inside = (p < pixels)[:, None] & known[None, :]
    at = row * pixels * channels + p[:, None] * channels + c[None, :]
    value = tl.load(x + at, mask=inside, other=0.0).to(tl.float32) * by[None, :] + more[None, :]
    tl.store(out + at, value.to(out.dtype.element_ty), mask=inside)
