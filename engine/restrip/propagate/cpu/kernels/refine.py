"""One turn of least squares over windows, on the CPU: gradients, sums and solution in one pass over the picture."""

from __future__ import annotations

import numpy as np
from numba import prange

from restrip.propagate.cpu.kernels.compiler import FAST, njit

BAND = 90  # rows that one task goes down, keeping the sums of each column
PRODUCTS = 5  # gradients' xx, xy, yy; what is missing along x and y

_u = np.uintp


@njit(**FAST)
def _mirrored(n, side):
    """An index that may lie outside, mirrored at the first and the last; kept inside where that isn't enough."""
    n = abs(n)
    return max(min(n, 2 * (side - 1) - n), 0)


@njit(**FAST)
def _missing_row(frame, key, flow, y, missing):
    """What the key, read through the flow, misses of a row of the frame's luma: into `missing` [W]."""
    h, w = key.shape
    for x in range(w):
        fx = min(max(np.float32(x) + flow[y, x, 0], np.float32(0)), np.float32(w - 1))
        fy = min(max(np.float32(y) + flow[y, x, 1], np.float32(0)), np.float32(h - 1))
        ix, iy = np.int64(fx), np.int64(fy)
        tx, ty = fx - np.float32(ix), fy - np.float32(iy)
        left, right, up, down = _u(ix), _u(min(ix + 1, w - 1)), _u(iy), _u(min(iy + 1, h - 1))
        a, b = np.float32(key[up, left]), np.float32(key[up, right])
        c, d = np.float32(key[down, left]), np.float32(key[down, right])
        a += tx * (b - a)
        c += tx * (d - c)
        missing[x] = np.float32(frame[y, x]) - (a + ty * (c - a))


@njit(**FAST)
def _add(row, sign, total):
    for x in range(total.shape[0]):
        total[x] += sign * row[x]


@njit(**FAST)
def _widened(row, out):
    """A row [W] mirrored at both sides as far as `out` is wider."""
    w = row.shape[0]
    side = (out.shape[0] - w) // 2
    for x in range(w):
        out[x + side] = np.float32(row[x])
    for x in range(side):
        out[x] = out[side + _mirrored(x - side, w)]
        out[side + w + x] = out[side + _mirrored(w + x, w)]


@njit(**FAST)
def _products_row(rows, missing, out):
    """Products of the gradients (Scharr's, per pixel) and of what is missing in a row: into `out` [PRODUCTS, W].

    `rows` [3, W + 2] are the one above, the row itself and the one below, mirrored by a pixel; they are used up.
    """
    some, most = np.float32(3 / 32), np.float32(10 / 32)
    above, here, below = rows
    for x in range(here.shape[0]):
        fall = below[x] - above[x]
        here[x] = some * (above[x] + below[x]) + most * here[x]
        above[x] = fall
    for x in range(missing.shape[0]):
        gx = here[x + 2] - here[x]
        gy = some * (above[x] + above[x + 2]) + most * above[x + 1]
        out[0, x], out[1, x], out[2, x] = gx * gx, gx * gy, gy * gy
        out[3, x], out[4, x] = gx * missing[x], gy * missing[x]


@njit(**FAST)
def _move_row(columns, length, calm, farthest, flow, moved):
    """`flow` [W, 2] of a row by sums over columns [PRODUCTS, W + length - 1]: into `moved`."""
    xx, xy, yy, along, down = calm, np.float32(0), calm, np.float32(0), np.float32(0)
    for x in range(length - 1):
        xx += columns[0, x]
        xy += columns[1, x]
        yy += columns[2, x]
        along += columns[3, x]
        down += columns[4, x]
    for x in range(flow.shape[0]):
        last = _u(x + length - 1)
        xx += columns[0, last]
        xy += columns[1, last]
        yy += columns[2, last]
        along += columns[3, last]
        down += columns[4, last]
        one = np.float32(1) / (xx * yy - xy * xy)
        moved[x, 0] = flow[x, 0] + min(max((yy * along - xy * down) * one, -farthest), farthest)
        moved[x, 1] = flow[x, 1] + min(max((xx * down - xy * along) * one, -farthest), farthest)
        xx -= columns[0, x]
        xy -= columns[1, x]
        yy -= columns[2, x]
        along -= columns[3, x]
        down -= columns[4, x]


@njit(**FAST)
def _band(frame, key, flow, half, calm, farthest, top, moved):
    """`turn` in BAND rows from `top` on: the sums of each column slide down, the sums along a row across them."""
    h, w = frame.shape
    length, end = 2 * half + 1, min(top + BAND, h)
    kept = np.zeros((length, PRODUCTS, w), np.float32)  # a window's rows; the oldest gives way to the next
    columns, wide = np.zeros((PRODUCTS, w), np.float32), np.empty((PRODUCTS, w + 2 * half), np.float32)
    rows, missing = np.empty((3, w + 2), np.float32), np.empty(w, np.float32)
    for row in range(top - half, end + half):
        y = _mirrored(row, h)
        for n in range(3):
            _widened(frame[_mirrored(y + n - 1, h)], rows[n])
        _missing_row(frame, key, flow, y, missing)
        products = kept[(row + length) % length]
        for n in range(PRODUCTS):
            _add(products[n], np.float32(-1), columns[n])
        _products_row(rows, missing, products)
        for n in range(PRODUCTS):
            _add(products[n], np.float32(1), columns[n])
        if row >= top + half:
            for n in range(PRODUCTS):
                _widened(columns[n], wide[n])
            _move_row(wide, length, calm, farthest, flow[row - half], moved[row - half])


@njit(parallel=True, **FAST)
def turn(frame, key, flow, half, calm, farthest, moved):
    """`flow` [H, W, 2] from luma `frame` to luma `key`, both [H, W] uint8, a turn nearer the truth: into `moved`.

    Windows are 2 half + 1 pixels wide and high, mirrored at the edges; `calm` is added to the tensor's diagonal; no
    pixel goes further than `farthest` along an axis.
    """
    held = np.float32(calm * (2 * half + 1) ** 2)
    for band in prange((frame.shape[0] + BAND - 1) // BAND):
        _band(frame, key, flow, half, held, farthest, np.int64(band) * BAND, moved)
