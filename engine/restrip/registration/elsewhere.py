"""Shapes of a frame that its key shows at another place than the rest says: a head turned, an arm raised.

What was painted over is found nowhere; what took another pose is found near by.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.registration.cells import Pair
from restrip.registration.warp import Doubles, Warp

BLOCK_PX, STEP_PX, REACH_PX = 48, 24, 30
NEAR_PX = 4
"""Nearer than this it is the same place."""

ALIKE, CLEARLY = 0.4, 0.15
"""How well a block has to agree elsewhere, and by how much better than where it should."""

TOGETHER_PX = 8


def elsewhere(pair: Pair, warp: Warp) -> float:
    """The share of a frame's structure that its key shows at another place near by; `warp` of the pair's size."""
    width, height = pair.size
    pulled = warp.pull(pair.key)
    xs, ys = (range(REACH_PX, side - BLOCK_PX - REACH_PX + 1, STEP_PX) for side in (width, height))
    if not xs or not ys:
        return 0.0
    moves = np.zeros((len(ys), len(xs), 2))
    weight, moved = np.zeros((len(ys), len(xs))), np.zeros((len(ys), len(xs)), bool)
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            block = pair.frame[y : y + BLOCK_PX, x : x + BLOCK_PX]
            around = pulled[y - REACH_PX : y + BLOCK_PX + REACH_PX, x - REACH_PX : x + BLOCK_PX + REACH_PX]
            scores = cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED)
            _, best, _, (right, down) = cv2.minMaxLoc(scores)
            here = scores[REACH_PX - NEAR_PX : REACH_PX + NEAR_PX + 1, REACH_PX - NEAR_PX : REACH_PX + NEAR_PX + 1]
            weight[row, column] = cv2.norm(block, cv2.NORM_L2)
            moves[row, column] = right - REACH_PX, down - REACH_PX
            moved[row, column] = best > ALIKE and best - here.max() > CLEARLY
    return float((weight * _together(moves, moved)).sum() / (weight.sum() + 1e-9))


def _together(moves: Doubles, moved: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of the moved blocks have at least two neighbours that moved alike: chance has none."""
    rows, columns = moved.shape
    alike = np.zeros((rows, columns), int)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if not (down or right):
                continue
            shifted = np.full_like(moves, 1e6)
            top, left = max(0, -down), max(0, -right)
            bottom, end = rows - max(0, down), columns - max(0, right)
            part = slice(top + down, bottom + down), slice(left + right, end + right)
            shifted[top:bottom, left:end] = np.where(moved[part][..., None], moves[part], 1e6)
            alike += np.linalg.norm(shifted - moves, axis=-1) < TOGETHER_PX
    return moved & (alike >= 2)
