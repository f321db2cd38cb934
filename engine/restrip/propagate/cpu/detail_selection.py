"""Where two keys are painted with different strokes: each place shows one of them, and only colour is mixed.

The mean of two strokes is a blur. Where both keys' predictions differ in detail as much as strangers do, the detail of
one is shown, and which one changes from place to place at another time; below the size of strokes, and wherever the
keys agree, they are averaged. After Burt and Kolczynski 1993, *Enhanced Image Capture Through Fusion*: average where
the match is good, select where it is not.

Everything is found on a grid of cells and read between them, so that no border shows.
`gpu/detail_selection.py` has the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.kernels.mixing import sum_up
from restrip.propagate.energy.detail_selection import (
    ALIKE,
    LIKED,
    LONGEST,
    PLAIN,
    SHARP,
    STRANGE,
    TAPS,
    cell_of,
    odds_of,
)
from restrip.propagate.energy.mixing import SUMS
from restrip.propagate.energy.style import CODE

Plane = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Strokes:
    """How two keys' strokes go together in a frame, [h, w] float32 cells of `cell` pixels.

    `apart` is 0 where details are averaged and 1 where one key's are shown; `odds` the log odds that they are the right
    key's, beside its share; `low` [3, h, w] is what the right key has more of in coarse colour, in 16-bit code values.
    """

    cell: int
    apart: Plane
    odds: Plane
    low: Plane

    @classmethod
    def of(cls, left: tuple[Plane, Plane], right: tuple[Plane, Plane]) -> Strokes:
        """Of two keys' weighted sums of predictions [H, W, 3] and their weights [H, W]."""
        height, width = left[1].shape
        cell = cell_of((width, height))
        sums = np.empty((-(-height // cell), -(-width // cell), SUMS), np.float32)
        sum_up(*left, *right, cell, np.float32(1 / CODE), sums)
        return cls._from(cell, cv2.sepFilter2D(sums, -1, *_taps(), borderType=cv2.BORDER_REPLICATE))

    @classmethod
    def _from(cls, cell: int, means: Plane) -> Strokes:
        a, b = means[..., 0:3], means[..., 3:6]
        low = b - a
        left, right, differing = (
            np.maximum(squares - np.square(mean).sum(2), 0)
            for squares, mean in ((means[..., 6], a), (means[..., 7], b), (means[..., 8], low))
        )
        strange = np.clip((differing / (left + right + PLAIN) - ALIKE) / (STRANGE - ALIKE), 0, 1)
        preferred = LIKED * np.log((right + PLAIN) / (left + PLAIN))
        worth = np.log(means[..., 10] / means[..., 9])
        odds = SHARP * worth + np.clip(preferred, -LONGEST, LONGEST)
        return cls(cell, strange * strange * (3 - 2 * strange), odds, low.transpose(2, 0, 1) * np.float32(CODE))

    def turned(self, left: float, right: float) -> Plane:
        """How much of the details is the right key's at these shares, [h, w]."""
        return 1 / (1 + np.exp(np.clip(-self.odds - np.float32(odds_of(left, right)), -80, 80)))


def _taps() -> tuple[Plane, Plane]:
    taps = np.array(TAPS, np.float32)
    return taps, taps
