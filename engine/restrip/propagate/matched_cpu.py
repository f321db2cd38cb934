"""Kernels of the patch search for the CPU. Pictures are packed 16 bytes a pixel, padded by two pixels, flat."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_OPTIONS = {"boundscheck": False, "cache": True, "nogil": True}
CHANNELS = 16
_u = np.uintp  # signed indices may wrap around, which stops the vectorizer
_FAR = np.int32(2147483647)


@njit(inline="always", **_OPTIONS)
def _patch_error(frame, key, pitch, at, there, limit):
    """Squared difference of the 5x5 patches whose first bytes are `at` and `there`; given up above `limit`."""
    total = np.int32(0)
    for _ in range(5):
        for n in range(5 * CHANNELS):
            i = _u(n)
            d = np.int16(np.int16(frame[at + i]) - np.int16(key[there + i]))
            total = np.int32(total + np.int32(np.int32(d) * np.int32(d)))
        if total >= limit:
            break
        at += pitch
        there += pitch
    return total


@njit(inline="always", **_OPTIONS)
def _mixed(x, y, seed):
    """A hash of place and sweep: the same numbers whatever the number of threads."""
    v = np.uint32(np.uint32(x) * np.uint32(0x9E3779B1) ^ np.uint32(y) * np.uint32(0x85EBCA77) ^ np.uint32(seed))
    v = np.uint32((v ^ (v >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    v = np.uint32((v ^ (v >> np.uint32(12))) * np.uint32(0x297A2D39))
    return np.uint32(v ^ (v >> np.uint32(15)))


@njit(parallel=True, **_OPTIONS)
def patch_errors(frame, key, field, errors):
    """Fill `errors` [H, W] int32 with what the matches `field` [H, W, 2] int32 (x, y in the key) cost."""
    h, w = errors.shape
    pitch = _u((w + 4) * CHANNELS)
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            at = _u((y * (w + 4) + x) * CHANNELS)
            there = _u((np.int64(field[y, x, 1]) * (w + 4) + np.int64(field[y, x, 0])) * CHANNELS)
            errors[y, x] = _patch_error(frame, key, pitch, at, there, _FAR)


@njit(parallel=True, **_OPTIONS)
def sweep(frame, key, field, errors, parity, radius, seed):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other.

    Each tries what its four neighbours found, then random places around its best at radius, radius / 2, ... 1.
    """
    h, w = errors.shape
    pitch = _u((w + 4) * CHANNELS)
    for row in prange(h):
        y = np.int64(row)
        for half in range((w + 1) // 2):
            x = 2 * np.int64(half) + ((y + parity) & 1)
            if x >= w:
                continue
            at = _u((y * (w + 4) + x) * CHANNELS)
            bx, by, best = np.int64(field[y, x, 0]), np.int64(field[y, x, 1]), errors[y, x]
            r = np.int64(radius)
            n = 0
            noise = _mixed(x, y, seed)
            while best > 0:
                if n < 4:
                    dx = (n & 1) * (1 - (n & 2))
                    dy = (1 - (n & 1)) * (1 - (n & 2))
                    n += 1
                    if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
                        continue
                    cx, cy = np.int64(field[y + dy, x + dx, 0]) - dx, np.int64(field[y + dy, x + dx, 1]) - dy
                elif r > 0:
                    noise = np.uint32(noise ^ np.uint32(noise << np.uint32(13)))
                    noise = np.uint32(noise ^ np.uint32(noise >> np.uint32(17)))
                    noise = np.uint32(noise ^ np.uint32(noise << np.uint32(5)))
                    cx = bx - r + ((np.int64(noise & np.uint32(0xFFFF)) * (2 * r + 1)) >> 16)
                    cy = by - r + ((np.int64(noise >> np.uint32(16)) * (2 * r + 1)) >> 16)
                    r //= 2
                else:
                    break
                if cx < 0 or cx >= w or cy < 0 or cy >= h or (cx == bx and cy == by):
                    continue
                there = _u((cy * (w + 4) + cx) * CHANNELS)
                error = _patch_error(frame, key, pitch, at, there, best)
                if error < best:
                    bx, by, best = cx, cy, error
            field[y, x, 0], field[y, x, 1], errors[y, x] = bx, by, best


@njit(parallel=True, **_OPTIONS)
def vote(picture, field, out):
    """Each pixel of `out` [H, W, C] float32 becomes the mean of what the 25 patches over it say, read in `picture`."""
    h, w, channels = out.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            for c in range(channels):
                out[y, x, c] = 0
            n = 0
            for dy in range(max(-2, -y), min(3, h - y)):
                for dx in range(max(-2, -x), min(3, w - x)):
                    sx = min(max(np.int64(field[y + dy, x + dx, 0]) - dx, 0), w - 1)
                    sy = min(max(np.int64(field[y + dy, x + dx, 1]) - dy, 0), h - 1)
                    for c in range(channels):
                        out[y, x, c] += np.float32(picture[sy, sx, c])
                    n += 1
            for c in range(channels):
                out[y, x, c] /= np.float32(n)
