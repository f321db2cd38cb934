"""The times at which places of the left key are handed over to the right one.

The left key's picture is divided into cells whose borders run where both keys' paint agrees (a watershed, so that a
stroke in which they differ lies within one cell). Each cell has a time. Four neighbouring cells are handed over one
after the other, so that borders between them don't stay for long; the next four at quite another time, and all of them
evenly over the fade. It is found once a segment, at a small size, and on the CPU for a GPU too: a flood takes one pixel
after the other.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.energy.handover import ACROSS, AROUND_FOUR, BETWEEN, CELLS, DOWN, FIRST, LEAST, SMALL_SIDE

Plane = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]


def small_size(size: tuple[int, int], pixel: float = 1.0) -> tuple[int, int]:
    """The (width, height) on which cells of pictures of (width, height) are found; a pixel of these is `pixel` long."""
    scale = min(1 / pixel, SMALL_SIDE / min(size))
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
    begun: list[float] = []
    for i, y in enumerate(range(cell // 2, h, cell)):
        for j, x in enumerate(range(cell // 2, w, cell)):
            top, left = max(y - cell // 3, 0), max(x - cell // 3, 0)
            around = apart[top : y + cell // 3 + 1, left : x + cell // 3 + 1]
            row, column = np.unravel_index(int(around.argmax()), around.shape)
            begun.append(_begun(i, j))
            seeds[top + row, left + column] = len(begun)
    heights = 255 - np.clip(apart * (255 / max(float(np.percentile(apart, 99)), 1.0)), 0, 255).astype(np.uint8)
    flood(heights, seeds)
    times = np.full(len(begun) + 1, 0.5)
    times[1 + np.argsort(begun, kind="stable")] = (np.arange(len(begun)) + 0.5) / max(1, len(begun))
    return times.astype(np.float32)[seeds]


def _begun(row: int, column: int) -> float:
    """When a cell is handed over, 0..1, before cells are spread evenly: its four by Roberts' R2, in them one by one."""
    four = (FIRST + ACROSS * (column // 2) + DOWN * (row // 2)) % 1
    return four * (1 - 3 * BETWEEN) + BETWEEN * AROUND_FOUR[row % 2][column % 2]
