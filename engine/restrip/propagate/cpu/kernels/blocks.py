"""A kernel that lays whole blocks of a frame from one place of the key each, where pieces have fallen to shards.

A pixel alone can't leave the shards around it, for whatever it shows is parted from them; a block can. Costs are whole
numbers, in hundredths of those of `sew`, so a block's sum knows no order and is the same on every device.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from restrip.propagate.cpu.kernels.compiler import EXACT, INLINE, njit
from restrip.propagate.cpu.kernels.patchmatch import _distance, _noise
from restrip.propagate.cpu.kernels.pieces import _within
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

_u = np.uintp
_UNTRUSTED = np.float32(UNTRUSTED)
_HALF = np.float32(0.5)
_ENDLESS = np.int64(1) << np.int64(62)


@njit(**INLINE)
def _apart(a, b):
    r = np.int64(a & 255) - np.int64(b & 255)
    g = np.int64((a >> 8) & 255) - np.int64((b >> 8) & 255)
    c = np.int64((a >> 16) & 255) - np.int64((b >> 16) & 255)
    return r * r + g * g + c * c


@njit(**INLINE)
def _misfit(frame, key, w, y, x, cy, cx):
    return min(np.int64(_distance(frame, key, _u((y * w + x) * NUMBERS), _u((cy * w + cx) * NUMBERS))), np.int64(MOST))


@njit(**INLINE)
def _seam(style, field, y, x, cy, cx, dy, dx):
    """What it costs that the key's pixel cx, cy is shown beside what the field has at dy, dx from x, y."""
    by, bx = np.int64(field[y + dy, x + dx, 1]), np.int64(field[y + dy, x + dx, 0])
    if by - dy == cy and bx - dx == cx:
        return np.int64(0)
    shown = _apart(style[cy + 1, cx + 1], style[by - dy + 1, bx - dx + 1])
    shown += _apart(style[cy + dy + 1, cx + dx + 1], style[by + 1, bx + 1])
    return np.int64(SEAM) + (np.int64(AGAIN) if cy == by and cx == bx else np.int64(0)) + np.int64(SEEN) * shown


@njit(**INLINE)
def _edge(style, field, top, left, end, right, y, x, cy, cx):
    """What the seams of a block's pixel with those outside it cost, where it shows the key's cx, cy."""
    h, w = field.shape[:2]
    cost = np.int64(0)
    if y == top and y > 0:
        cost += _seam(style, field, y, x, cy, cx, -1, 0)
    if y == end - 1 and end < h:
        cost += _seam(style, field, y, x, cy, cx, 1, 0)
    if x == left and x > 0:
        cost += _seam(style, field, y, x, cy, cx, 0, -1)
    if x == right - 1 and right < w:
        cost += _seam(style, field, y, x, cy, cx, 0, 1)
    return cost


@njit(**INLINE)
def _as_it_is(frame, key, style, field, top, left, end, right):
    """What a block costs as its pieces lie, and what of that the seams within it do."""
    w = field.shape[1]
    cost, torn = np.int64(0), np.int64(0)
    for y in range(top, end):
        for x in range(left, right):
            cy, cx = np.int64(field[y, x, 1]), np.int64(field[y, x, 0])
            cost += _misfit(frame, key, w, y, x, cy, cx)
            if x + 1 < right:
                torn += _seam(style, field, y, x, cy, cx, 0, 1)
            if y + 1 < end:
                torn += _seam(style, field, y, x, cy, cx, 1, 0)
            cost += _edge(style, field, top, left, end, right, y, x, cy, cx)
    return cost + torn, torn


@njit(**INLINE)
def _from(frame, key, style, field, top, left, end, right, dy, dx, best):
    """What a block costs that shows what lies at dy, dx from it in the key; or `best` or more, if it does."""
    w = field.shape[1]
    cost = np.int64(0)
    for y in range(top, end):
        for x in range(left, right):
            cost += _misfit(frame, key, w, y, x, y + dy, x + dx)
            cost += _edge(style, field, top, left, end, right, y, x, y + dy, x + dx)
        if cost >= best:
            return cost
    return cost


@njit(**INLINE)
def _whole(value):
    return np.int64(np.floor(value + _HALF))


@njit(**EXACT)
def _tried(flow, field, top, left, end, right, oy, ox, turn, seed):
    """The way to the key that is tried in a turn for a block; oy, ox is the best so far.

    None at all, its own, where the motion leads, those of the four blocks beside it; then at random near the best, and
    anywhere.
    """
    h, w = field.shape[:2]
    my, mx = (top + end) // 2, (left + right) // 2
    if turn == 0:
        return np.int64(0), np.int64(0)
    if turn == 1:
        return np.int64(field[my, mx, 1]) - my, np.int64(field[my, mx, 0]) - mx
    if turn == 2:
        return _whole(flow[my, mx, 1]), _whole(flow[my, mx, 0])
    if turn < 7:
        side = turn - 3
        y = _within(my + (side & 1) * ((side & 2) - 1) * SIDE, h)
        x = _within(mx + (1 - (side & 1)) * ((side & 2) - 1) * SIDE, w)
        return np.int64(field[y, x, 1]) - y, np.int64(field[y, x, 0]) - x
    noise = _noise(mx, my, seed + turn)
    a, b = np.int64(noise >> np.uint32(20)), np.int64((noise >> np.uint32(8)) & np.uint32(0xFFF))
    if turn < 7 + NEAR:
        radius = max(AROUND >> ((turn - 7) % RADII), 1)
        return oy - radius + ((a * (2 * radius + 1)) >> 12), ox - radius + ((b * (2 * radius + 1)) >> 12)
    return ((a * (h - end + top + 1)) >> 12) - top, ((b * (w - right + left + 1)) >> 12) - left


@njit(**EXACT)
def _lay_block(frame, key, style, flow, sure, field, top, left, end, right, seed):
    """One block of `lay_blocks`."""
    h, w = sure.shape
    count = 0
    for y in range(top, end):
        for x in range(left, right):
            count += sure[y, x] < _UNTRUSTED
    if 4 * count < 3 * (end - top) * (right - left):
        return
    my, mx = (top + end) // 2, (left + right) // 2
    by, bx, found = np.int64(field[my, mx, 1]) - my, np.int64(field[my, mx, 0]) - mx, False
    best, torn = _as_it_is(frame, key, style, field, top, left, end, right)
    if torn < SHARDS * (end - top) * (right - left):
        return
    best = best * CHEAPER // 100
    for turn in range(7 + NEAR + RANDOM):
        dy, dx = _tried(flow, field, top, left, end, right, by, bx, turn, seed)
        if top + dy < 0 or end + dy > h or left + dx < 0 or right + dx > w:
            continue
        cost = _from(frame, key, style, field, top, left, end, right, dy, dx, best)
        if cost < best:
            best, by, bx, found = cost, dy, dx, True
    if found:
        for y in range(top, end):
            for x in range(left, right):
                field[y, x, 0], field[y, x, 1] = x + bx, y + by


@njit(parallel=True, **EXACT)
def lay_blocks(frame, key, style, flow, sure, field, parity, shift, seed):
    """Lay the blocks of one colour of a chessboard anew from one place each, where that is far cheaper; in place.

    It is done where the motion of three quarters of a block is not `sure` [H, W]. `frame` and `key` are flat
    descriptors, `style` [H + 2, W + 2] uint32 the key's colours, edges repeated, `flow` [H, W, 2] the calm motion,
    `field` [H, W, 2] int16 the pieces. The chessboard is moved by `shift` up and left. Blocks read only pixels of
    their own and of the four beside them, which are of the other colour.
    """
    h, w = sure.shape
    rows, columns = (h + shift + SIDE - 1) // SIDE, (w + shift + SIDE - 1) // SIDE
    for block in prange(rows * columns):
        row, column = np.int64(block) // columns, np.int64(block) % columns
        top, left = max(row * SIDE - shift, 0), max(column * SIDE - shift, 0)
        end, right = min(row * SIDE - shift + SIDE, h), min(column * SIDE - shift + SIDE, w)
        if (row + column) % 2 == parity and top < end and left < right:
            _lay_block(frame, key, style, flow, sure, field, top, left, end, right, seed)
