"""The times at which places of the left key are handed over to the right one.

The left key's picture is divided into cells whose borders run where both keys' paint agrees (a watershed, so that a
stroke in which they differ lies within one cell). Each cell has a time. The times of neighbouring cells lie far apart
and all of them evenly over the fade. It is found once a segment, at a small size, and on the CPU for a GPU too: a flood
takes one pixel after the other.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.energy.handover import ACROSS, CELLS, DOWN, LEAST, SMALL_SIDE

Plane = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """The (width, height) on which cells of pictures of (width, height) are found."""
    scale = min(1.0, SMALL_SIDE / min(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def times_of(left: Pixels, right: Pixels) -> Plane:
    """The times [H, W] in 0..1 of the fade, of both keys' pictures [H, W, 3] at `small_size`, in code values: the left
    one and the right one as it is at the left one's frame.
    """
    a, b = (cv2.GaussianBlur(picture, (0, 0), 1) for picture in (left, right))
    apart = cv2.GaussianBlur(np.sqrt(np.square(a - b).sum(2)), (0, 0), 1.5)
    return _times(apart, max(LEAST, min(apart.shape) // CELLS))


def _times(apart: Plane, cell: int) -> Plane:
    from restrip.propagate.cpu.kernels.flood import flood  # only where strokes are whole numba is needed for a GPU

    h, w = apart.shape
    seeds = np.zeros((h, w), np.int32)
    times = [0.5]
    for i, y in enumerate(range(cell // 2, h, cell)):
        for j, x in enumerate(range(cell // 2, w, cell)):
            top, left = max(y - cell // 3, 0), max(x - cell // 3, 0)
            around = apart[top : y + cell // 3 + 1, left : x + cell // 3 + 1]
            row, column = np.unravel_index(int(around.argmax()), around.shape)
            seeds[top + row, left + column] = len(times)
            times.append((0.5 + ACROSS * j + DOWN * i) % 1)
    heights = 255 - np.clip(apart * (255 / max(float(np.percentile(apart, 99)), 1.0)), 0, 255).astype(np.uint8)
    flood(heights, seeds)
    return np.array(times, np.float32)[seeds]
