"""The light that a key didn't have, as Triton kernels: light.py's functions, two starts to find it, one to follow it.

What is found never leaves the device. Lights [8]: gain and offset of the frame against the key; so far towards it as
is followed; and what puts the frame into the key's light, and into the followed one.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor, empty_like

from restrip.propagate.energy.shading import BLOCKS, LEAST_GAIN, PLAIN, SLIGHT
from restrip.propagate.gpu.kernels.stencil_triton import between, emptied, mixed

LANES = 1024  # as many as there are blocks, and more
BLOCK = 256  # pixels of a block of the picture at a time
BYTES = 1024


def lights(frame: Tensor, keys: list[Tensor], every: int, flow: Tensor | None, strength: float = 0.0) -> Tensor:
    """Lights [N, 8] of a frame [H, W, 3] uint8 against one or two keys, from one of `every` rows and columns.

    `flow` [H, W, 2] leads to the same things in a key; without it they are at the same places.
    """
    h, w = ((side + every - 1) // every for side in frame.shape[:2])
    across, down = min(BLOCKS[0], w), min(BLOCKS[1], h)
    count = len(keys)
    means, out = emptied(frame, count, 2, across * down), emptied(frame, count, 8)
    args = (frame, keys[0], keys[-1], frame if flow is None else flow, means, h, w, frame.shape[1], every)
    means_kernel[(across * down, count)](*args, across, down, FLOW=flow is not None, BLOCK=BLOCK)
    bounds = {"SLIGHT": SLIGHT, "PLAIN": PLAIN, "LEAST": LEAST_GAIN, "LANES": LANES}
    exposure_kernel[(count,)](means, out, across * down, float(strength), **bounds)
    return out


def relit(frame: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """A frame [H, W, 3] uint8 in the key's light, and in the followed one, both [H, W, 3] uint8."""
    plain, followed, count = empty_like(frame), empty_like(frame), frame.numel()
    relit_kernel[(triton.cdiv(count, BYTES),)](frame, found, plain, followed, count, BYTES=BYTES)
    return plain, followed


@triton.jit
def _sum(picture, at):
    """Red, green and blue of a picture at pixels, added."""
    r, g = tl.load(picture + at * 3).to(tl.float32), tl.load(picture + at * 3 + 1).to(tl.float32)
    return r + g + tl.load(picture + at * 3 + 2).to(tl.float32)


@triton.jit
def _covered(pixel, first, end):
    """How much of a pixel lies between two edges."""
    return tl.maximum(tl.minimum(pixel + 1.0, end) - tl.maximum(pixel, first), 0.0)


@triton.jit(do_not_specialize=("h", "w", "width", "every", "across", "down"))
def means_kernel(
    frame, first, second, flow, means, h, w, width, every, across, down, FLOW: tl.constexpr, BLOCK: tl.constexpr
):
    """The mean of all colours in one block of a key, and of the frame; blocks share the pixels between them."""
    if tl.program_id(1) == 0:
        put_means(frame, first, flow, means, h, w, width, every, across, down, FLOW, BLOCK)
    else:
        put_means(frame, second, flow, means + 2 * across * down, h, w, width, every, across, down, FLOW, BLOCK)


@triton.jit
def put_means(frame, key, flow, means, h, w, width, every, across, down, FLOW: tl.constexpr, BLOCK: tl.constexpr):
    """Write those means."""
    block = tl.program_id(0)
    x0, x1 = (block % across) * w * 1.0 / across, (block % across + 1) * w * 1.0 / across
    y0, y1 = (block // across) * h * 1.0 / down, (block // across + 1) * h * 1.0 / down
    first, top = (block % across) * w // across, (block // across) * h // down
    columns = ((block % across + 1) * w + across - 1) // across - first
    rows = ((block // across + 1) * h + down - 1) // down - top
    theirs, ours = tl.zeros((BLOCK,), tl.float32), tl.zeros((BLOCK,), tl.float32)
    for begin in range(0, rows * columns, BLOCK):
        n = begin + tl.arange(0, BLOCK)
        x, y = tl.minimum(first + n % columns, w - 1), tl.minimum(top + n // columns, h - 1)
        worth = _covered(x.to(tl.float32), x0, x1) * _covered(y.to(tl.float32), y0, y1)
        worth = tl.where(n < rows * columns, worth, 0.0)
        at = y * every * width + x * every
        ours += worth * _sum(frame, at)
        if FLOW:
            fx = x.to(tl.float32) + tl.load(flow + at * 2) / every
            fy = y.to(tl.float32) + tl.load(flow + at * 2 + 1) / every
            there, right, below, tx, ty = between(fx, fy, h, w)
            column, line = (there % w) * every, (there // w) * every * width
            right, below = right * every, below // w * every * width
            a, b = _sum(key, line + column), _sum(key, line + column + right)
            c, d = _sum(key, line + below + column), _sum(key, line + below + column + right)
            theirs += worth * mixed(a, b, c, d, tx, ty)
        else:
            theirs += worth * _sum(key, at)
    share = 1.0 / (3.0 * (x1 - x0) * (y1 - y0))
    tl.store(means + block, tl.sum(theirs, axis=0) * share)
    tl.store(means + across * down + block, tl.sum(ours, axis=0) * share)


@triton.jit(do_not_specialize=("n",))
def exposure_kernel(
    means,
    out,
    n,
    strength,
    SLIGHT: tl.constexpr,
    PLAIN: tl.constexpr,
    LEAST: tl.constexpr,
    LANES: tl.constexpr,
):
    """`shading.exposure` from the means of blocks, and what follows from it; a program for each key."""
    means += tl.program_id(0) * 2 * n
    out += tl.program_id(0) * 8
    lane = tl.arange(0, LANES)
    known = lane < n
    a = tl.load(means + lane, mask=known, other=0.0)
    b = tl.load(means + n + lane, mask=known, other=0.0)
    share = 1.0 / n
    change = tl.sqrt(tl.sum((b - a) * (b - a), axis=0) * share)
    a_mean, b_mean = tl.sum(a, axis=0) * share, tl.sum(b, axis=0) * share
    da, db = tl.where(known, a - a_mean, 0.0), tl.where(known, b - b_mean, 0.0)
    gain = tl.sum(da * db, axis=0) * share / (tl.sum(da * da, axis=0) * share + 1.0)
    gain = tl.minimum(tl.maximum(gain, 0.0), 4.0)
    offset = b_mean - gain * a_mean
    left = tl.where(known, b - gain * a - offset, 0.0)
    explained = 1.0 - tl.sum(left * left, axis=0) * share / tl.maximum(change * change, 1e-6)
    plain = tl.minimum(tl.maximum((change - SLIGHT) / (PLAIN - SLIGHT), 0.0), 1.0)
    plain *= tl.minimum(tl.maximum((explained - 0.7) / 0.2, 0.0), 1.0)
    gain, offset = 1.0 + plain * (gain - 1.0), plain * offset
    followed, further = 1.0 + strength * (gain - 1.0), strength * offset
    seen = gain >= LEAST
    one, other = 1.0 / tl.maximum(gain, LEAST), followed / tl.maximum(gain, LEAST)
    tl.store(out, gain)
    tl.store(out + 1, offset)
    tl.store(out + 2, followed)
    tl.store(out + 3, further)
    tl.store(out + 4, tl.where(seen, one, 1.0))
    tl.store(out + 5, tl.where(seen, 0.0 - one * offset, 0.0))
    tl.store(out + 6, tl.where(seen, other, 1.0))
    tl.store(out + 7, tl.where(seen, further - other * offset, 0.0))


@triton.jit
def relit_kernel(frame, found, plain, followed, count, BYTES: tl.constexpr):
    """The frame in two lights."""
    at = tl.program_id(0) * BYTES + tl.arange(0, BYTES)
    value = tl.load(frame + at, mask=at < count, other=0).to(tl.float32)
    first = value * tl.load(found + 4) + tl.load(found + 5)
    second = value * tl.load(found + 6) + tl.load(found + 7)
    first = tl.floor(tl.minimum(tl.maximum(first, 0.0), 255.0) + 0.5)
    second = tl.floor(tl.minimum(tl.maximum(second, 0.0), 255.0) + 0.5)
    tl.store(plain + at, first.to(tl.uint8), mask=at < count)
    tl.store(followed + at, second.to(tl.uint8), mask=at < count)
