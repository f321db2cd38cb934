"""Laying whole blocks where pieces have fallen to shards as a Triton kernel: blocks.lay_blocks, one start each."""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.energy.blocks import (
    AGAIN,
    AROUND,
    CHEAPER,
    MOST,
    NEAR,
    RADII,
    RANDOM,
    SEAM,
    SEEN,
    SHARDS,
    SIDE,
    UNTRUSTED,
)
from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.gpu.kernels.search_triton import noise_at
from restrip.propagate.gpu.kernels.stencil_triton import apart, bounded
from restrip.propagate.gpu.strokes.blocks import Checkerboard
from restrip.propagate.gpu.strokes.sewing import Cloth

CONSTANTS = {
    "SIDE": SIDE,
    "WIDE": triton.next_power_of_2(SIDE),
    "UNTRUSTED": UNTRUSTED,
    "CHEAPER": CHEAPER,
    "MOST": MOST,
    "SEAM": SEAM,
    "AGAIN": AGAIN,
    "SEEN": SEEN,
    "SHARDS": SHARDS,
    "AROUND": AROUND,
    "RADII": RADII,
    "NEAR": NEAR,
    "RANDOM": RANDOM,
    "N": NUMBERS,
}


def lay_blocks(cloth: Cloth, field: Tensor, turn: Checkerboard) -> None:
    """Lay the blocks of one colour of a chessboard, in place; `blocks.lay_blocks`."""
    h, w = cloth.sure.shape
    rows, columns = triton.cdiv(h + turn.shift, SIDE), triton.cdiv(w + turn.shift, SIDE)
    args = (cloth.described, cloth.key, cloth.style, cloth.flow, cloth.sure, field)
    half = triton.cdiv(columns, 2)
    blocks_kernel[(rows * half,)](*args, half, turn.parity, turn.shift, turn.seed, h, w, **CONSTANTS)


@triton.jit
def _cost(
    own,
    key,
    style,
    field,
    x,
    y,
    cx,
    cy,
    top,
    left,
    end,
    right,
    inner,
    inside,
    h,
    w,
    MOST: tl.constexpr,
    SEAM: tl.constexpr,
    AGAIN: tl.constexpr,
    SEEN: tl.constexpr,
    N: tl.constexpr,
):
    """What a block costs that shows the key's pixels cx, cy at x, y; with `inner`, seams within are counted."""
    off = own - tl.load(key + (cy * w + cx)[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
    cost = tl.minimum(tl.sum(off * off, axis=1), MOST).to(tl.int64)
    colour = tl.load(style + cy * w + cx)
    for side in tl.static_range(4):
        dx = (side & 1) * (1 - (side & 2))
        dy = (1 - (side & 1)) * (1 - (side & 2))
        within = (y + dy >= top) & (y + dy < end) & (x + dx >= left) & (x + dx < right)
        seen = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
        seen = seen & ((within == 0) | (inner > 0)) if dx + dy > 0 else seen & (within == 0)
        there = (bounded(y + dy, h) * w + bounded(x + dx, w)) * 2
        bx, by = tl.load(field + there).to(tl.int32), tl.load(field + there + 1).to(tl.int32)
        shown = apart(colour, tl.load(style + bounded(by - dy, h) * w + bounded(bx - dx, w))).to(tl.int64)
        onward = tl.load(style + bounded(cy + dy, h) * w + bounded(cx + dx, w))
        shown += apart(onward, tl.load(style + by * w + bx)).to(tl.int64)
        again = tl.where((by == cy) & (bx == cx), AGAIN, 0)
        parted = seen & ((by - dy != cy) | (bx - dx != cx))
        cost += tl.where(parted, SEAM + again + SEEN * shown, 0)
    return tl.sum(tl.where(inside, cost, 0), axis=0)


@triton.jit(do_not_specialize=("half", "parity", "shift", "seed", "h", "w"))
def blocks_kernel(
    frame,
    key,
    style,
    flow,
    sure,
    field,
    half,
    parity,
    shift,
    seed,
    h,
    w,
    SIDE: tl.constexpr,
    WIDE: tl.constexpr,
    UNTRUSTED: tl.constexpr,
    CHEAPER: tl.constexpr,
    MOST: tl.constexpr,
    SEAM: tl.constexpr,
    AGAIN: tl.constexpr,
    SEEN: tl.constexpr,
    SHARDS: tl.constexpr,
    AROUND: tl.constexpr,
    RADII: tl.constexpr,
    NEAR: tl.constexpr,
    RANDOM: tl.constexpr,
    N: tl.constexpr,
):
    """One block of one colour of a chessboard, which reads only pixels of its own and of the other colour."""
    row = tl.program_id(0) // half
    column = 2 * (tl.program_id(0) % half) + ((row + parity) & 1)
    first, start = row * SIDE - shift, column * SIDE - shift
    top, left = tl.maximum(first, 0), tl.maximum(start, 0)
    end, right = tl.minimum(first + SIDE, h), tl.minimum(start + SIDE, w)
    n = tl.arange(0, WIDE * WIDE)
    y, x = first + n // WIDE, start + n % WIDE
    inside = (y >= top) & (y < end) & (x >= left) & (x < right)
    y, x = bounded(y, h), bounded(x, w)
    at = y * w + x
    untrusted = inside & (tl.load(sure + at) < UNTRUSTED)
    whole = tl.maximum(end - top, 0) * tl.maximum(right - left, 0)
    if (whole > 0) & (4 * tl.sum(untrusted.to(tl.int32), axis=0) >= 3 * whole):
        own = tl.load(frame + at[:, None] * N + tl.arange(0, N)[None, :]).to(tl.int32)
        cx, cy = tl.load(field + at * 2).to(tl.int32), tl.load(field + at * 2 + 1).to(tl.int32)
        my, mx = (top + end) // 2, (left + right) // 2
        middle = my * w + mx
        by, bx = tl.load(field + middle * 2 + 1).to(tl.int32) - my, tl.load(field + middle * 2).to(tl.int32) - mx
        own_y, own_x = by, bx
        lead_y = tl.floor(tl.load(flow + middle * 2 + 1) + 0.5).to(tl.int32)
        lead_x = tl.floor(tl.load(flow + middle * 2) + 0.5).to(tl.int32)
        best = tl.full((), 1 << 62, tl.int64)
        limit, around = best, best
        # What lies there, without seams within and with them; no way at all, its own, the motion's, those of the four
        # blocks beside it; then near the best and anywhere.
        for turn in range(-2, 7 + NEAR + RANDOM):
            side = tl.maximum(turn - 3, 0) & 3
            ny = bounded(my + (side & 1) * ((side & 2) - 1) * SIDE, h)
            nx = bounded(mx + (1 - (side & 1)) * ((side & 2) - 1) * SIDE, w)
            beside = (ny * w + nx) * 2
            dy = tl.where(turn == 1, own_y, tl.where(turn == 2, lead_y, 0))
            dx = tl.where(turn == 1, own_x, tl.where(turn == 2, lead_x, 0))
            dy = tl.where((turn > 2) & (turn < 7), tl.load(field + beside + 1).to(tl.int32) - ny, dy)
            dx = tl.where((turn > 2) & (turn < 7), tl.load(field + beside).to(tl.int32) - nx, dx)
            noise = noise_at(mx, my, seed + turn)
            radius = tl.maximum(AROUND >> (tl.maximum(turn - 7, 0) % RADII), 1)
            a, b = (noise >> 20).to(tl.int32), ((noise >> 8) & 0xFFF).to(tl.int32)
            near_y, near_x = by - radius + (a * (2 * radius + 1) >> 12), bx - radius + (b * (2 * radius + 1) >> 12)
            any_y, any_x = (a * (h - end + top + 1) >> 12) - top, (b * (w - right + left + 1) >> 12) - left
            near = turn < 7 + NEAR
            dy = tl.where(turn > 6, tl.where(near, near_y, any_y), dy)
            dx = tl.where(turn > 6, tl.where(near, near_x, any_x), dx)
            known = (top + dy >= 0) & (end + dy <= h) & (left + dx >= 0) & (right + dx <= w)
            px = tl.where(turn < 0, cx, bounded(x + dx, w))
            py = tl.where(turn < 0, cy, bounded(y + dy, h))
            inner = tl.where(turn == -1, 1, 0)
            cost = _cost(
                own,
                key,
                style,
                field,
                x,
                y,
                px,
                py,
                top,
                left,
                end,
                right,
                inner,
                inside,
                h,
                w,
                MOST,
                SEAM,
                AGAIN,
                SEEN,
                N,
            )
            taken = (turn >= 0) & known & (cost < best)
            by, bx = tl.where(taken, dy, by), tl.where(taken, dx, bx)
            around = tl.where(turn == -2, cost, around)
            shards = cost - around >= SHARDS * whole
            limit = tl.where(turn == -1, tl.where(shards, cost * CHEAPER // 100, 0), limit)
            best = tl.where(turn == -1, limit, tl.where(taken, cost, best))
        laid = inside & (tl.where(inside, best, limit) < limit)
        tl.store(field + at * 2, (x + bx).to(tl.int16), mask=laid)
        tl.store(field + at * 2 + 1, (y + by).to(tl.int16), mask=laid)
