"""Kernels that choose between flows and sharpen them, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from restrip.propagate.kernels_cpu import FAST


@njit(parallel=True, **FAST)
def choose(flow, error, chosen, best):
    """Where `error` [H, W] is below `best` it replaces it, and `flow` [H, W, 2] what is chosen."""
    for row in prange(best.shape[0]):
        y = np.int64(row)
        for x in range(best.shape[1]):
            if error[y, x] < best[y, x]:
                best[y, x] = error[y, x]
                chosen[y, x, 0], chosen[y, x, 1] = flow[y, x, 0], flow[y, x, 1]


@njit(parallel=True, **FAST)
def missing(luma, rebuilt, gx, gy, along, down):
    """What the rebuilt luma [H, W] misses, times the gradient: into `along` and `down` [H, W]."""
    for row in prange(luma.shape[0]):
        y = np.int64(row)
        for x in range(luma.shape[1]):
            off = luma[y, x] - rebuilt[y, x]
            along[y, x], down[y, x] = off * gx[y, x], off * gy[y, x]


@njit(parallel=True, **FAST)
def move(flow, inverse, along, down, farthest):
    """flow [H, W, 2] += inverse (xx, xy, yy: [H, W]) x (along, down), each at most `farthest`."""
    xx, xy, yy = inverse
    for row in prange(along.shape[0]):
        y = np.int64(row)
        for x in range(along.shape[1]):
            a, b = along[y, x], down[y, x]
            flow[y, x, 0] += min(max(xx[y, x] * a + xy[y, x] * b, -farthest), farthest)
            flow[y, x, 1] += min(max(xy[y, x] * a + yy[y, x] * b, -farthest), farthest)
