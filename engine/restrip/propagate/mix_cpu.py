"""Kernels that add up predictions and turn them into pictures, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from restrip.propagate.kernels_cpu import FAST


@njit(parallel=True, **FAST)
def add(style, worth, total, weight):
    """total [H, W, 3] += worth x style; weight [H, W] += worth."""
    for row in prange(worth.shape[0]):
        y = np.int64(row)
        for x in range(worth.shape[1]):
            w = worth[y, x]
            weight[y, x] += w
            for c in range(3):
                total[y, x, c] += w * style[y, x, c]


@njit(parallel=True, **FAST)
def mix(a, a_weight, a_share, b, b_weight, b_share, scale, top, out):
    """(a_share a + b_share b) / (their weights), times `scale`, rounded to 0..top, into `out` [H, W, 3]."""
    zero, half = np.float32(0), np.float32(0.5)
    for row in prange(a_weight.shape[0]):
        y = np.int64(row)
        for x in range(a_weight.shape[1]):
            share = scale / (a_share * a_weight[y, x] + b_share * b_weight[y, x])
            for c in range(3):
                value = (a_share * a[y, x, c] + b_share * b[y, x, c]) * share
                out[y, x, c] = min(max(value + half, zero), top)
