"""The picture that pieces of a key show, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import FAST, njit
from restrip.propagate.cpu.kernels.vectors import Pixels, data_of

_NUMBERS = 8  # of a packed pixel


@intrinsic
def _nine(typing, key, places, near, far):
    """The sum of nine pixels of the key, of three rows: the middle counts 1, those beside it `near`, corners `far`."""

    def generate(context, builder, signature, args):
        pixels = Pixels(builder, data_of(context, builder, signature, args, 0), _NUMBERS, bits=16)
        total, near, far = pixels.zero(), pixels.spread(args[2]), pixels.spread(args[3])
        one = pixels.spread(args[2].type(1.0))
        shares = far, near, far, near, one, near, far, near, far
        for place, share in zip(cgutils.unpack_tuple(builder, args[1], 9), shares, strict=True):
            total = pixels.added(total, pixels.at(place), share)
        return cgutils.pack_array(builder, [pixels.number(total, n) for n in range(3)])

    of = types.UniTuple(types.int64, 9), types.float32, types.float32
    return types.UniTuple(types.float32, 3)(key, *of), generate


@njit(**FAST)
def _row_of(places, field, y, deep):
    """Where the pixels of a row of a field lie in a packed key whose rows are `deep` pixels, into `places` [W]."""
    for x in range(places.shape[0]):
        places[x] = np.int64(field[y, x, 1]) * deep + np.int64(field[y, x, 0])


@njit(**FAST)
def _at_edge(key, field, edge, near, far, y, x):
    """As inside, of the pixels that there are, with what they count in all."""
    h, w = field.shape[:2]
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
    return a, b, c, total


@njit(parallel=True, **FAST)
def lay(key, field, edge, near, far, out):
    """The picture that a field shows, [H, W, 3] float32 in the key's code values, softened only across seams.

    Each pixel is the mean of what the 3x3 patches over it say, weighted 1, `near` beside it and `far` at the corners.
    `key` is packed with a border of `edge` pixels (exemplar.py).
    """
    h, w = out.shape[:2]
    deep = key.shape[1]
    whole = far + near + far + near + np.float32(1) + near + far + near + far
    for row in prange(h):
        y = np.int64(row)
        inside = 0 < y < h - 1
        rows = np.empty((3, w), np.int64)
        if inside:
            for n in range(3):
                _row_of(rows[n], field, y + n - 1, deep)
        at, down = edge * deep + edge, deep
        for x in range(w):
            if inside and 0 < x < w - 1:
                above, here, below = at + down, at, at - down
                places = (
                    rows[0, x - 1] + above + 1,
                    rows[0, x] + above,
                    rows[0, x + 1] + above - 1,
                    rows[1, x - 1] + here + 1,
                    rows[1, x] + here,
                    rows[1, x + 1] + here - 1,
                    rows[2, x - 1] + below + 1,
                    rows[2, x] + below,
                    rows[2, x + 1] + below - 1,
                )
                a, b, c = _nine(key, places, near, far)
                total = whole
            else:
                a, b, c, total = _at_edge(key, field, edge, near, far, y, x)
            out[y, x, 0], out[y, x, 1], out[y, x, 2] = a / total, b / total, c / total
