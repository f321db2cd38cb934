"""Neighbourhoods projected on polynomials, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import prange

from restrip.propagate.cpu.kernels.compiler import FAST, njit
from restrip.propagate.energy.descriptors import NUMBERS, TAPS


@njit(parallel=True, **FAST)
def opponents(rgb, planes):
    """Luma, blue against red, and green against both, [3, H, W] int16, not yet of one scale (`_SCALES`)."""
    h, w = planes.shape[1:]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            r, g, b = np.int16(rgb[y, x, 0]), np.int16(rgb[y, x, 1]), np.int16(rgb[y, x, 2])
            planes[0, y, x] = r + g + b
            planes[1, y, x] = r - b
            planes[2, y, x] = r - g - g + b


@njit(**FAST)
def _along(weights, scale, rows, out):
    """Seven rows of samples by seven weights: into a row of float32."""
    a, b, c, d, e, f, g = rows
    s0, s1, s2, s3 = (weights[0] * scale, weights[1] * scale, weights[2] * scale, weights[3] * scale)
    s4, s5, s6 = weights[4] * scale, weights[5] * scale, weights[6] * scale
    for x in range(out.shape[0]):
        total = s0 * np.float32(a[x]) + s1 * np.float32(b[x]) + s2 * np.float32(c[x]) + s3 * np.float32(d[x])
        out[x] = total + s4 * np.float32(e[x]) + s5 * np.float32(f[x]) + s6 * np.float32(g[x])


@njit(**FAST)
def _describe_row(planes, basis, scales, detail, y, out):
    h, w = planes.shape[1:]
    half = TAPS // 2
    line, numbers = np.empty(w + 2 * half, np.float32), np.empty((NUMBERS, w), np.float32)
    number = 0
    for plane in range(8):  # luma in four orders down the columns, each chroma in two
        colour, order = (0, plane) if plane < 4 else (plane // 2 - 1, plane & 1)
        p = planes[colour]
        a, b, c = p[max(y - 3, 0)], p[max(y - 2, 0)], p[max(y - 1, 0)]
        e, f, g = p[min(y + 1, h - 1)], p[min(y + 2, h - 1)], p[min(y + 3, h - 1)]
        _along(basis[order], scales[colour], (a, b, c, p[y], e, f, g), line[half : half + w])
        line[:half], line[half + w :] = line[half], line[half + w - 1]
        # Luma of order b takes the orders a <= 3 - b across, chroma a <= 1 - b.
        shifted = line[0:], line[1:], line[2:], line[3:], line[4:], line[5:], line[6:]
        for across in range(4 - order if plane < 4 else 2 - order):
            _along(basis[across], np.float32(1) if across + order == 0 else detail, shifted, numbers[number])
            number += 1
    for x in range(w):
        for n in range(NUMBERS):
            out[x, n] = np.int16(np.rint(numbers[n, x]))


@njit(parallel=True, **FAST)
def project(planes, basis, scales, detail, out):
    """Descriptors [H, W, 16] int16 of planes [3, H, W]: luma in four orders down and across, each chroma in two."""
    for row in prange(out.shape[0]):
        _describe_row(planes, basis, scales, detail, np.int64(row), out[row])
