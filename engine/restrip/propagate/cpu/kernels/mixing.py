"""Kernels that add up predictions and turn them into pictures, on the CPU."""

from __future__ import annotations

import numpy as np
from numba import prange

from restrip.propagate.cpu.kernels.compiler import FAST, njit
from restrip.propagate.energy.mixing import EVEN, SUMS


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


@njit(parallel=True, **FAST)
def sum_up(a, a_weight, b, b_weight, cell, scale, out):
    """Means over cells of two pictures, a / a_weight and b / b_weight, times `scale`, into `out` [h, w, SUMS].

    Colours of both (3, 3), squares of both and of their difference over all channels (1, 1, 1), the weights (1, 1).
    """
    height, width = a_weight.shape
    for row in prange(out.shape[0]):
        i = np.int64(row)
        first, end = i * cell, min((i + 1) * cell, height)
        columns = np.zeros((SUMS, width), np.float32)
        for y in range(first, end):
            _add_row(a[y], a_weight[y], b[y], b_weight[y], scale, columns)
        for j in range(out.shape[1]):
            start, stop = j * cell, min((j + 1) * cell, width)
            share = np.float32(1) / np.float32((end - first) * (stop - start))
            for n in range(SUMS):
                total = np.float32(0)
                for x in range(start, stop):
                    total += columns[n, x]
                out[i, j, n] = total * share


@njit(**FAST)
def _add_row(a, a_weight, b, b_weight, scale, columns):
    """A row of what `sum_up` sums up, added column by column so that a processor does several at once."""
    for x in range(a_weight.shape[0]):
        ours, theirs = scale / a_weight[x], scale / b_weight[x]
        p0, p1, p2 = a[x, 0] * ours, a[x, 1] * ours, a[x, 2] * ours
        q0, q1, q2 = b[x, 0] * theirs, b[x, 1] * theirs, b[x, 2] * theirs
        d0, d1, d2 = q0 - p0, q1 - p1, q2 - p2
        columns[0, x] += p0
        columns[1, x] += p1
        columns[2, x] += p2
        columns[3, x] += q0
        columns[4, x] += q1
        columns[5, x] += q2
        columns[6, x] += p0 * p0 + p1 * p1 + p2 * p2
        columns[7, x] += q0 * q0 + q1 * q1 + q2 * q2
        columns[8, x] += d0 * d0 + d1 * d1 + d2 * d2
        columns[9, x] += a_weight[x]
        columns[10, x] += b_weight[x]


@njit(parallel=True, **FAST)
def mix_apart(a, a_weight, a_share, b, b_weight, b_share, scale, top, cell, cells, out):
    """As `mix`, and details by `cells` [5, h, w]: how far they are kept apart, the right one's share, and low colour.

    Cells are read between their middles; those at the edges go on. Where only one key knows a place, it is shown.
    """
    for row in prange(a_weight.shape[0]):
        y = np.int64(row)
        line = np.empty((5, a_weight.shape[1]), np.float32)
        _between(cells, y, cell, line)
        _mix_row(a[y], a_weight[y], a_share, b[y], b_weight[y], b_share, scale, top, line, out[y])


@njit(**FAST)
def _between(cells, y, cell, line):
    """All planes of cells [N, h, w] along row y of the picture, into `line` [N, W]."""
    zero, half = np.float32(0), np.float32(0.5)
    below, beside = cells.shape[1] - 1, cells.shape[2] - 1
    fy = min(max((np.float32(y) + half) / np.float32(cell) - half, zero), np.float32(below))
    i = np.int64(fy)
    k, ty = min(i + 1, below), fy - np.float32(i)
    step = np.float32(1) / np.float32(cell)
    for n in range(cells.shape[0]):
        for j in range(-1, beside + 1):  # from this cell's middle to the next one's
            at, to = max(j, 0), min(j + 1, beside)
            left = cells[n, i, at] + ty * (cells[n, k, at] - cells[n, i, at])
            right = cells[n, i, to] + ty * (cells[n, k, to] - cells[n, i, to])
            start, stop = max((2 * j + 1) * cell // 2, 0), min((2 * j + 3) * cell // 2, line.shape[1])
            for x in range(start, stop):
                tx = (np.float32(x) + half) * step - half - np.float32(j)
                line[n, x] = left + tx * (right - left)


@njit(**FAST)
def _mix_row(a, a_weight, a_share, b, b_weight, b_share, scale, top, line, out):
    zero, half, one = np.float32(0), np.float32(0.5), np.float32(1)
    for x in range(a_weight.shape[0]):
        ours, theirs = one / a_weight[x], one / b_weight[x]
        left, right = a_share * a_weight[x], b_share * b_weight[x]
        part = right / (left + right)
        both = a_weight[x] + b_weight[x]
        even = min(EVEN * a_weight[x] * b_weight[x] / (both * both), one)
        turn = even * line[0, x] * (line[1, x] - part)
        for c in range(3):
            p = a[x, c] * ours
            d = b[x, c] * theirs - p
            value = (p + part * d + turn * (d - line[2 + c, x])) * scale
            out[x, c] = min(max(value + half, zero), top)
