"""Kernels that lay a frame out of pieces of one key, on the CPU: whole pixels of it, moved together.

A field [H, W, 2] int16 holds for each pixel the x, y of the key's pixel that is shown there. Where two neighbours come
from neighbouring places of the key there is no seam between them.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from restrip.propagate.cpu.kernels.compiler import EXACT, FAST
from restrip.propagate.cpu.kernels.patchmatch import _distance, _noise
from restrip.propagate.energy.descriptors import NUMBERS
from restrip.propagate.energy.pieces import FARTHEST, SHARE, UNTRUSTED

_u = np.uintp
_SHARE = np.float32(SHARE)
_ENDLESS, _ONE = np.float32(3e38), np.float32(1)
_FARTHEST = np.float32(FARTHEST)
_UNTRUSTED = np.float32(UNTRUSTED)


@njit(inline="always", **EXACT)
def _apart(style, ay, ax, by, bx):
    """Squared difference of two pixels of a style [H, W, 3] uint8."""
    a = np.int32(style[_u(ay), _u(ax), _u(0)]) - np.int32(style[_u(by), _u(bx), _u(0)])
    b = np.int32(style[_u(ay), _u(ax), _u(1)]) - np.int32(style[_u(by), _u(bx), _u(1)])
    c = np.int32(style[_u(ay), _u(ax), _u(2)]) - np.int32(style[_u(by), _u(bx), _u(2)])
    return np.float32(a * a + b * b + c * c)


@njit(inline="always", **EXACT)
def _within(value, end):
    return min(max(value, 0), end - 1)


@njit(**EXACT)
def _cost(frame, key, style, flow, sure, field, before, y, x, cy, cx, costs, seen, limit):
    """What it costs to show the key's pixel cx, cy at x, y beside what its four neighbours show; `limit` if no less."""
    fit, most, tie, slack, steady, seam, torn, again = costs
    h, w = sure.shape
    trust = sure[y, x]
    cost = fit * min(_SHARE * _distance(frame, key, _u((y * w + x) * NUMBERS), _u((cy * w + cx) * NUMBERS)), most)
    gx, gy = np.float32(cx - x) - flow[y, x, 0], np.float32(cy - y) - flow[y, x, 1]
    cost += trust * tie * min(max(gx * gx + gy * gy - slack, np.float32(0)), _FARTHEST)
    cost += steady * _apart(style, cy, cx, np.int64(before[y, x, 1]), np.int64(before[y, x, 0]))
    for side in range(4):
        if cost >= limit:
            return limit
        dx, dy = (side & 1) * (1 - (side & 2)), (1 - (side & 1)) * (1 - (side & 2))
        if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
            continue
        nx, ny = np.int64(field[y + dy, x + dx, 0]), np.int64(field[y + dy, x + dx, 1])
        if nx - dx != cx or ny - dy != cy:
            ours = _apart(style, cy, cx, _within(ny - dy, h), _within(nx - dx, w))
            theirs = _apart(style, _within(cy + dy, h), _within(cx + dx, w), ny, nx)
            cost += seam * (torn - (torn - _ONE) * trust) + (seen + (_ONE - seen) * trust) * (ours + theirs)
            if nx == cx and ny == cy:
                cost += (_ONE - trust) * again
    return cost


@njit(parallel=True, **EXACT)
def sew(frame, key, style, flow, sure, field, before, costs, parity, far, radius, seen, surest, seed):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other (`far` is odd).

    Each tries what four others show, `far` pixels to each side, moved along; where the motion leads; what `before`
    has; and where the motion is not `sure` [H, W] a place at random within `radius` of its own. `frame` and `key` are
    flat descriptors, `style` [H, W, 3] uint8 the key's; `costs` are fit, most, tie, slack, steady, seam, torn, again.
    `seen` is how much is counted of what a seam shows where the motion is not sure. Where it is more than `surest`
    all is left as it is.
    """
    h, w = sure.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range((y + parity) & 1, w, 2):
            if sure[y, x] > surest:
                continue
            bx, by = np.int64(field[y, x, 0]), np.int64(field[y, x, 1])
            best = np.float32(-1)
            for turn in range(7):
                if turn < 4:
                    dx, dy = far * (turn & 1) * (1 - (turn & 2)), far * (1 - (turn & 1)) * (1 - (turn & 2))
                    if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
                        continue
                    cx, cy = np.int64(field[y + dy, x + dx, 0]) - dx, np.int64(field[y + dy, x + dx, 1]) - dy
                elif turn == 4:
                    cx = np.int64(np.floor(np.float32(x) + flow[y, x, 0] + np.float32(0.5)))
                    cy = np.int64(np.floor(np.float32(y) + flow[y, x, 1] + np.float32(0.5)))
                elif turn == 5:
                    cx, cy = np.int64(before[y, x, 0]), np.int64(before[y, x, 1])
                elif radius and sure[y, x] < _UNTRUSTED:
                    noise = _noise(x, y, seed)
                    cx = bx - radius + ((np.int64(noise >> np.uint32(20)) * (2 * radius + 1)) >> 12)
                    cy = by - radius + ((np.int64((noise >> np.uint32(8)) & np.uint32(0xFFF)) * (2 * radius + 1)) >> 12)
                else:
                    continue
                if cx < 0 or cx >= w or cy < 0 or cy >= h or (cx == bx and cy == by):
                    continue
                if best < 0:
                    best = _cost(frame, key, style, flow, sure, field, before, y, x, by, bx, costs, seen, _ENDLESS)
                cost = _cost(frame, key, style, flow, sure, field, before, y, x, cy, cx, costs, seen, best)
                if cost < best:
                    bx, by, best = cx, cy, cost
            field[y, x, 0], field[y, x, 1] = bx, by


@njit(parallel=True, **EXACT)
def moved(field, step, out):
    """Where the pieces of the last frame's field lie now; `step` [H, W, 2] leads to that frame; whole pixels."""
    h, w = out.shape[:2]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            px = _within(np.int64(np.floor(np.float32(x) + step[y, x, 0] + np.float32(0.5))), w)
            py = _within(np.int64(np.floor(np.float32(y) + step[y, x, 1] + np.float32(0.5))), h)
            out[y, x, 0], out[y, x, 1] = field[py, px, 0], field[py, px, 1]


@njit(parallel=True, **EXACT)
def places(flow, out):
    """The field [H, W, 2] of the whole pixels that a flow leads to."""
    h, w = out.shape[:2]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            out[y, x, 0] = _within(np.int64(np.floor(np.float32(x) + flow[y, x, 0] + np.float32(0.5))), w)
            out[y, x, 1] = _within(np.int64(np.floor(np.float32(y) + flow[y, x, 1] + np.float32(0.5))), h)


@njit(parallel=True, **EXACT)
def judge(frame, key, field, misfit, seams):
    """How badly the key's source fits the frame there, in squared code values, and 1/4 a seam: into [H, W] float32."""
    h, w = misfit.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            cx, cy = np.int64(field[y, x, 0]), np.int64(field[y, x, 1])
            misfit[y, x] = _SHARE * _distance(frame, key, _u((y * w + x) * NUMBERS), _u((cy * w + cx) * NUMBERS))
            count = 0
            for side in range(4):
                dx, dy = (side & 1) * (1 - (side & 2)), (1 - (side & 1)) * (1 - (side & 2))
                if 0 <= x + dx < w and 0 <= y + dy < h:
                    nx, ny = np.int64(field[y + dy, x + dx, 0]), np.int64(field[y + dy, x + dx, 1])
                    count += np.int64(nx - dx != cx or ny - dy != cy)
            seams[y, x] = np.float32(0.25) * np.float32(count)


@njit(parallel=True, **FAST)
def lay(key, field, edge, near, far, out):
    """The picture that a field shows, [H, W, 3] float32 in the key's code values, softened only across seams.

    Each pixel is the mean of what the 3x3 patches over it say, weighted 1, `near` beside it and `far` at the corners.
    `key` is packed with a border of `edge` pixels (exemplar.py).
    """
    h, w = out.shape[:2]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            a, b, c, total = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
                        continue
                    sx = np.int64(field[y + dy, x + dx, 0]) - dx + edge
                    sy = np.int64(field[y + dy, x + dx, 1]) - dy + edge
                    off = dx * dx + dy * dy
                    share = np.float32(1) if off == 0 else near if off == 1 else far
                    a += share * np.float32(key[sy, sx, 0])
                    b += share * np.float32(key[sy, sx, 1])
                    c += share * np.float32(key[sy, sx, 2])
                    total += share
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = a / total, b / total, c / total
