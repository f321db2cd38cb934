"""Kernels that judge flows and choose between them, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from restrip.propagate.cpu.kernels.compiler import FAST, njit
from restrip.propagate.cpu.kernels.vectors import Pixels, data_of

_u = np.uintp


@njit(parallel=True, **FAST)
def choose(flow, error, favour, chosen, best):
    """Where `error` [H, W] is below `favour` x `best` it replaces it, and `flow` [H, W, 2] what is chosen."""
    for row in prange(best.shape[0]):
        y = np.int64(row)
        for x in range(best.shape[1]):
            if error[y, x] < favour * best[y, x]:
                best[y, x] = error[y, x]
                chosen[y, x, 0], chosen[y, x, 1] = flow[y, x, 0], flow[y, x, 1]


@intrinsic
def _missing(typing, frame, key, at, corners, tx, ty):
    """The squared difference of a pixel of the frame and of the key between four pixels; both [H, W, 4] uint8.

    Places are counted in pixels. The fourth number of a pixel is only there to make it a vector.
    """

    def generate(context, builder, signature, args):
        ours, theirs = (Pixels(builder, data_of(context, builder, signature, args, n), 4, bits=8) for n in (0, 1))

        def between(a, b, share):
            return theirs.added(a, builder.fsub(b, a), share)

        a, b, c, d = (theirs.at(place) for place in cgutils.unpack_tuple(builder, args[3], 4))
        across, down = theirs.spread(args[4]), theirs.spread(args[5])
        apart = builder.fsub(ours.at(args[2]), between(between(a, b, across), between(c, d, across), down))
        red, green, blue = (ours.number(builder.fmul(apart, apart), n) for n in range(3))
        return builder.fadd(builder.fadd(red, green), blue)

    places = types.UniTuple(types.uintp, 4)
    return types.float32(frame, key, types.uintp, places, types.float32, types.float32), generate


@njit(parallel=True, **FAST)
def rebuild(frame, key, flow, errors):
    """How badly the key, read through the flow, rebuilds the frame, both [H, W, 4] uint8: into `errors` [H, W]."""
    h, w = errors.shape
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            fx = min(max(np.float32(x) + flow[y, x, 0], np.float32(0)), np.float32(w - 1))
            fy = min(max(np.float32(y) + flow[y, x, 1], np.float32(0)), np.float32(h - 1))
            ix, iy = np.int64(fx), np.int64(fy)
            first, right, below = iy * w + ix, np.int64(ix < w - 1), w * np.int64(iy < h - 1)
            corners = _u(first), _u(first + right), _u(first + below), _u(first + right + below)
            errors[y, x] = _missing(frame, key, _u(y * w + x), corners, fx - np.float32(ix), fy - np.float32(iy))
