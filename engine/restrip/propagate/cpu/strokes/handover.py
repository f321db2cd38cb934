"""When each place is handed over from the left key to the right one: once, whole, and at a time of its own.

The left key's picture is divided into cells whose borders run where both keys' paint agrees (a watershed, so that a
stroke in which they differ lies within one cell). Each cell has a time, and moves with the left key's pieces, so no
place ever goes back. The times of neighbouring cells lie far apart and all of them evenly over the fade.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.kernels.flood import flood
from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.strokes.paint import Laid
from restrip.timeline import FrameRange

CELLS = 12  # along the picture's short side
LEAST = 8  # pixels a cell
SMALL_SIDE = 360  # the short side on which cells are found
SOFT = 0.1  # of the fade: how long a cell takes
SURE = 0.3  # of the fade: how much earlier a place is handed over that the right key knows e times better
BORDER = 0.8  # pixels over which a border is softened
_ACROSS, _DOWN = 0.7548776662466927, 0.5698402909980532  # Roberts' R2: neighbours far apart, all even

Plane = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]


class HandOver:
    """The times [H, W] of a left key's places in 0..1 of the fade."""

    def __init__(self, times: Plane) -> None:
        self.times = times

    @classmethod
    def of(cls, left: Pixels, right: Pixels) -> HandOver:
        """Of the left key [H, W, 3] and of the right key as it is at the left key's frame, both in code values."""
        h, w = left.shape[:2]
        scale = min(1.0, SMALL_SIDE / min(h, w))
        size = max(1, round(w * scale)), max(1, round(h * scale))
        a, b = (
            cv2.GaussianBlur(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), (0, 0), 1)
            for picture in (left, right)
        )
        apart = cv2.GaussianBlur(np.sqrt(np.square(a - b).sum(2)), (0, 0), 1.5)
        times = _times(apart, max(LEAST, min(apart.shape) // CELLS))
        return cls(cv2.resize(times, (w, h), interpolation=cv2.INTER_NEAREST))

    def at(self, across: float, left: Laid, right: Laid) -> Plane:
        """How much of a frame is the right key's, [H, W] in 0..1, `across` the fade (0 before it, 1 after)."""
        field: Field = left.field
        times = self.times[field[..., 1], field[..., 0]]
        known = cv2.GaussianBlur(np.log(right.worth / left.worth), (0, 0), 4, borderType=cv2.BORDER_REPLICATE)
        early = np.float32(SURE) * known
        turn = (np.float32(across) - np.float32(SOFT / 2) - np.float32(1 - SOFT) * times + early) / np.float32(SOFT)
        turn = np.clip(turn + np.float32(0.5), 0, 1)
        return cv2.GaussianBlur(turn * turn * (3 - 2 * turn), (0, 0), BORDER)


def across_at(frame: int, keys: tuple[int, int], fade: FrameRange | None) -> float:
    """How far across the fade a frame between two keys lies, 0..1; None fades over all of it."""
    first, end = keys if fade is None else (fade.first, fade.end)
    return min(max((frame - first) / (end - first), 0.0), 1.0) if end > first else float(frame >= first)


def _times(apart: Plane, cell: int) -> Plane:
    h, w = apart.shape
    seeds = np.zeros((h, w), np.int32)
    times = [0.5]
    for i, y in enumerate(range(cell // 2, h, cell)):
        for j, x in enumerate(range(cell // 2, w, cell)):
            top, left = max(y - cell // 3, 0), max(x - cell // 3, 0)
            around = apart[top : y + cell // 3 + 1, left : x + cell // 3 + 1]
            row, column = np.unravel_index(int(around.argmax()), around.shape)
            seeds[top + row, left + column] = len(times)
            times.append((0.5 + _ACROSS * j + _DOWN * i) % 1)
    heights = 255 - np.clip(apart * (255 / max(float(np.percentile(apart, 99)), 1.0)), 0, 255).astype(np.uint8)
    flood(heights, seeds)
    return np.array(times, np.float32)[seeds]
