"""When each place is handed over from the left key to the right one: once, whole, and at a time of its own.

Its cell has the time (handover_times.py), and moves with the left key's pieces, so no place ever goes back.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.sampling import taken
from restrip.propagate.cpu.strokes.paint import Laid
from restrip.propagate.energy.handover import (
    AROUND,
    BORDER,
    MOST_STRONGER,
    PLAIN,
    SOFT,
    STEEP,
    STRONGER,
    SURE,
    shorter,
    window,
)
from restrip.propagate.handover_times import small_size, times_of

Plane = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.float32]


class HandOver:
    """The times [H, W] of a left key's places in 0..1 of the fade; a pixel is `pixel` long (`Effort.pixel`)."""

    def __init__(self, times: Plane, pixel: float = 1.0) -> None:
        self.times, self._pixel = times, pixel

    @classmethod
    def of(cls, left: Pixels, right: Pixels, pixel: float = 1.0) -> HandOver:
        """Of the left key [H, W, 3] and of the right key as it is at the left key's frame, both in code values."""
        h, w = left.shape[:2]
        size = small_size((w, h), pixel)
        method = cv2.INTER_AREA if size[0] <= w else cv2.INTER_LINEAR
        small = (cv2.resize(picture, size, interpolation=method) for picture in (left, right))
        return cls(cv2.resize(times_of(*small), (w, h), interpolation=cv2.INTER_NEAREST), pixel)

    def at(self, across: float, left: Laid, right: Laid) -> Plane:
        """How much of a frame is the right key's, [H, W] in 0..1, `across` the fade (0 before it, 1 after)."""
        field: Field = left.field
        times = taken(self.times, field)
        known = cv2.GaussianBlur(
            np.log(right.worth / left.worth), (0, 0), AROUND * self._pixel, borderType=cv2.BORDER_REPLICATE
        )
        early = np.float32(SURE) * known
        if 0 < across < 1:
            early += np.float32(4 * across * (1 - across)) * self._stronger(left, right)
        turn = (np.float32(across) - np.float32(SOFT / 2) - np.float32(1 - SOFT) * times + early) / np.float32(SOFT)
        h, w = times.shape
        most = cv2.GaussianBlur(np.clip(turn + np.float32(0.5), 0, 1), (0, 0), shorter((w, h), self._pixel))
        turn = np.clip(np.float32(STEEP) * (most - np.float32(0.5)) + np.float32(0.5), 0, 1)
        return cv2.GaussianBlur(turn * turn * (3 - 2 * turn), (0, 0), BORDER)

    def _stronger(self, left: Laid, right: Laid) -> Plane:
        """How much earlier each place is handed over in the fade's middle, where the right key's strokes stand out more
        beside the left one's than they do elsewhere: else places go to whichever is softer as often as not.
        """
        around = (window(self._pixel),) * 2
        a, b = (
            cv2.blur(one.energy, around, borderType=cv2.BORDER_REPLICATE) + np.float32(PLAIN) for one in (left, right)
        )
        apart = np.float32(STRONGER) * np.log(b / a)
        limit = np.float32(MOST_STRONGER)
        return np.clip(apart - apart.mean(), -limit, limit)
