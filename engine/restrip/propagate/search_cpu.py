"""Kernels of the patch search for the CPU; the same arithmetic as the GPU's, one row of pixels a task.

A field [H, W, 2] int16 holds for each pixel the x, y of its match in the key; its error is the squared distance of
the descriptors plus `tie` times the squared distance from where the motion leads.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from restrip.propagate.describe import NUMBERS

_OPTIONS = {"boundscheck": False, "cache": True, "nogil": True}
_u = np.uintp  # signed indices may wrap around, which stops the vectorizer


@njit(inline="always", **_OPTIONS)
def _distance(frame, key, at, there):
    """Squared distance of the descriptors that begin at `at` and `there` in two flat arrays."""
    total = np.int32(0)
    for n in range(NUMBERS):
        d = np.int32(frame[at + _u(n)]) - np.int32(key[there + _u(n)])
        total += d * d
    return np.float32(total)


@njit(inline="always", **_OPTIONS)
def _noise(x, y, seed):
    """A hash of place and sweep: the same numbers whatever the number of threads, on every device."""
    v = np.uint32(np.uint32(x) * np.uint32(0x9E3779B1) ^ np.uint32(y) * np.uint32(0x85EBCA77) ^ np.uint32(seed))
    v = np.uint32((v ^ (v >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    return np.uint32(v ^ (v >> np.uint32(13)))


@njit(parallel=True, **_OPTIONS)
def start(frame, key, flow, tie, before, step, field, errors):
    """Begin at the motion, or at the match that this place had in the frame before, whichever fits better.

    `before` is that frame's field, read through `step` (the motion to it); empty [0, 0, 2] for none.
    """
    h, w = errors.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            at = _u((y * w + x) * NUMBERS)
            fx, fy = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
            bx = min(max(np.int64(np.floor(fx + np.float32(0.5))), 0), w - 1)
            by = min(max(np.int64(np.floor(fy + np.float32(0.5))), 0), h - 1)
            gx, gy = np.float32(bx) - fx, np.float32(by) - fy
            best = _distance(frame, key, at, _u((by * w + bx) * NUMBERS)) + tie * (gx * gx + gy * gy)
            if before.shape[0] > 0:
                px = min(max(np.int64(np.floor(np.float32(x) + step[y, x, 0] + np.float32(0.5))), 0), w - 1)
                py = min(max(np.int64(np.floor(np.float32(y) + step[y, x, 1] + np.float32(0.5))), 0), h - 1)
                cx, cy = np.int64(before[py, px, 0]), np.int64(before[py, px, 1])
                gx, gy = np.float32(cx) - fx, np.float32(cy) - fy
                error = _distance(frame, key, at, _u((cy * w + cx) * NUMBERS)) + tie * (gx * gx + gy * gy)
                if error < best:
                    bx, by, best = cx, cy, error
            field[y, x, 0], field[y, x, 1], errors[y, x] = bx, by, best


@njit(parallel=True, **_OPTIONS)
def sweep(frame, key, flow, tie, field, errors, parity, radius, quiet, seed):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other.

    Each tries what its four neighbours found; where that leaves more than `quiet`, also places around its best, at
    random within radius, radius / 2, ... 1.
    """
    h, w = errors.shape
    for row in prange(h):
        y = np.int64(row)
        for half in range((w + 1) // 2):
            x = 2 * np.int64(half) + ((y + parity) & 1)
            if x >= w:
                continue
            at = _u((y * w + x) * NUMBERS)
            bx, by, best = (np.int64(field[y, x, 0]), np.int64(field[y, x, 1]), errors[y, x])
            fx, fy = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
            for n in range(4):
                dx, dy = (n & 1) * (1 - (n & 2)), (1 - (n & 1)) * (1 - (n & 2))
                if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
                    continue
                cx, cy = (np.int64(field[y + dy, x + dx, 0]) - dx, np.int64(field[y + dy, x + dx, 1]) - dy)
                if cx < 0 or cx >= w or cy < 0 or cy >= h or (cx == bx and cy == by):
                    continue
                gx, gy = np.float32(cx) - fx, np.float32(cy) - fy
                error = _distance(frame, key, at, _u((cy * w + cx) * NUMBERS)) + tie * (gx * gx + gy * gy)
                if error < best:
                    bx, by, best = cx, cy, error
            if best > quiet:
                noise = _noise(x, y, seed)
                ox, oy, r = bx, by, np.int64(radius)
                while r > 0:
                    noise = np.uint32(noise * np.uint32(1664525) + np.uint32(1013904223))
                    cx = ox - r + ((np.int64(noise >> np.uint32(20)) * (2 * r + 1)) >> 12)
                    cy = oy - r + ((np.int64((noise >> np.uint32(8)) & np.uint32(0xFFF)) * (2 * r + 1)) >> 12)
                    cx, cy = min(max(cx, 0), w - 1), min(max(cy, 0), h - 1)
                    r >>= 1
                    gx, gy = np.float32(cx) - fx, np.float32(cy) - fy
                    error = _distance(frame, key, at, _u((cy * w + cx) * NUMBERS)) + tie * (gx * gx + gy * gy)
                    if error < best:
                        bx, by, best = cx, cy, error
            field[y, x, 0], field[y, x, 1], errors[y, x] = bx, by, best
