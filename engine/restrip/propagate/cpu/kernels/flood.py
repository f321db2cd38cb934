"""Regions that grow from seeds, on the CPU."""

from __future__ import annotations

import numpy as np

from restrip.propagate.cpu.kernels.compiler import EXACT, njit

LEVELS = 256


@njit(**EXACT)
def flood(heights, seeds):
    """Fill `seeds` [H, W] int32 (0 is none): each pixel is the first region's that reaches it as the water rises.

    `heights` [H, W] uint8; borders run along the ridges (watershed: Meyer 1991). One thread; queues keep their order.
    """
    h, w = heights.shape
    ahead = np.full(h * w, -1, np.int32)  # the pixel that waits behind each
    first, last = np.full(LEVELS, -1, np.int32), np.full(LEVELS, -1, np.int32)
    for at in range(h * w):
        if seeds[at // w, at % w]:
            if last[0] < 0:
                first[0] = at
            else:
                ahead[last[0]] = at
            last[0] = at
    level = 0
    while level < LEVELS:
        at = first[level]
        if at < 0:
            level += 1
            continue
        first[level] = ahead[at]
        if first[level] < 0:
            last[level] = -1
        y, x = at // w, at % w
        for side in range(4):
            nx, ny = x + (side & 1) * (1 - (side & 2)), y + (1 - (side & 1)) * (1 - (side & 2))
            if nx < 0 or nx >= w or ny < 0 or ny >= h or seeds[ny, nx]:
                continue
            seeds[ny, nx] = seeds[y, x]
            to, place = max(level, np.int64(heights[ny, nx])), ny * w + nx
            if last[to] < 0:
                first[to] = place
            else:
                ahead[last[to]] = place
            last[to] = place
