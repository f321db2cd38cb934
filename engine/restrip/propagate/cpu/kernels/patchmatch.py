"""Kernels of the patch search for the CPU; the same arithmetic as the GPU's, one row of pixels a task.

A field [H, W, 2] int16 holds for each pixel the x, y of its match in the key; its error is the squared distance of
the descriptors plus `tie` times the squared distance from where the motion leads.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import EXACT, njit
from restrip.propagate.energy.descriptors import NUMBERS

TILE = 128  # a sweep goes by squares: what its random places read then stays in a core's own cache
_u = np.uintp  # signed indices may wrap around, which stops the vectorizer


@intrinsic
def _distance(typing, frame, key, at, there):
    """Squared distance of the descriptors that begin at `at` and `there` in two flat arrays of int16.

    One subtraction, multiplication and sum of vectors: numba would leave them scalar, which takes ten times as long.
    Differences fit into 16 bit (describe.py keeps numbers below 6000).
    """

    def generate(context, builder, signature, args):
        short = ir.VectorType(ir.IntType(16), NUMBERS)
        wide = ir.VectorType(ir.IntType(32), NUMBERS)

        def numbers(which):
            data = context.make_array(signature.args[which])(context, builder, args[which]).data
            place = builder.bitcast(builder.gep(data, [args[2 + which]]), short.as_pointer())
            return builder.load(place, align=2)

        apart = builder.sext(builder.sub(numbers(0), numbers(1)), wide)
        add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.IntType(32), [wide]), f"llvm.vector.reduce.add.v{NUMBERS}i32"
        )
        return builder.sitofp(builder.call(add, [builder.mul(apart, apart)]), ir.FloatType())

    return types.float32(frame, key, types.uintp, types.uintp), generate


@njit(inline="always", **EXACT)
def _noise(x, y, seed):
    """A hash of place and sweep: the same numbers whatever the number of threads, on every device."""
    v = np.uint32(np.uint32(x) * np.uint32(0x9E3779B1) ^ np.uint32(y) * np.uint32(0x85EBCA77) ^ np.uint32(seed))
    v = np.uint32((v ^ (v >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    return np.uint32(v ^ (v >> np.uint32(13)))


@njit(parallel=True, **EXACT)
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


@njit(parallel=True, **EXACT)
def sweep(frame, key, flow, tie, field, errors, parity, far, radius, quiet, seed):
    """One half sweep over the pixels of one parity of x + y, which read only pixels of the other (`far` is odd).

    Each whose error is above `quiet` tries what four others found, `far` pixels to each side; where that leaves more
    than `quiet`, also places around its best, at random within radius, radius / 2, ... 1.
    """
    h, w = errors.shape
    across = (w + TILE - 1) // TILE
    for tile in prange(across * ((h + TILE - 1) // TILE)):
        top, left = np.int64(tile) // across * TILE, np.int64(tile) % across * TILE
        for y in range(top, min(top + TILE, h)):
            for x in range(left + ((left + y + parity) & 1), min(left + TILE, w), 2):
                best = errors[y, x]
                if best <= quiet:
                    continue
                at, bx, by = _u((y * w + x) * NUMBERS), np.int64(field[y, x, 0]), np.int64(field[y, x, 1])
                fx, fy = np.float32(x) + flow[y, x, 0], np.float32(y) + flow[y, x, 1]
                for side in range(4):
                    dx, dy = far * (side & 1) * (1 - (side & 2)), far * (1 - (side & 1)) * (1 - (side & 2))
                    if x + dx < 0 or x + dx >= w or y + dy < 0 or y + dy >= h:
                        continue
                    nx, ny = _u(x + dx), _u(y + dy)
                    cx, cy = np.int64(field[ny, nx, _u(0)]) - dx, np.int64(field[ny, nx, _u(1)]) - dy
                    if cx < 0 or cx >= w or cy < 0 or cy >= h or (cx == bx and cy == by):
                        continue
                    gx, gy = np.float32(cx) - fx, np.float32(cy) - fy
                    error = _distance(frame, key, at, _u((cy * w + cx) * NUMBERS)) + tie * (gx * gx + gy * gy)
                    if error < best:
                        bx, by, best = cx, cy, error
                ox, oy, r = bx, by, np.int64(radius if best > quiet else 0)
                noise = _noise(x, y, seed)
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
