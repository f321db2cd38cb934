"""Why a key is where it is: what its neighbours would leave wrong at its frame, if it weren't there.

cut            it is the first of its shot
light          the picture is lit apart from both neighbours'
motion         most of what they leave wrong can be found in them, but the motion doesn't lead there
new content    most of it is in neither of them
appearance     the same place looks a little different: an expression, a shadow, a turn
even spacing   they leave hardly anything wrong; the key only shortens the way
start          the clip's first key: without it there is none
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.motion import gray_of, step
from restrip.propagate.cpu.sampling import pull
from restrip.propagate.key_coverage import BLOCKS, Errors, block_errors, relit

Reason = Literal["start", "cut", "light", "motion", "new content", "appearance", "even spacing"]

# Squared code values, mean over channels.
LITTLE = 9.0  # left by the neighbours over the whole picture: no reason of its own
WRONG = 25.0  # in a block: below it is noise
UNKNOWN = 400.0  # in a block: above it shows something else

FOUND, ALIKE = 1 / 3, 150.0  # a block is found where so much of its error is left, and no more than this
PLAIN = 16.0  # a block that varies less can be found anywhere
SEARCH_SIDE_PX = 96  # the longer side at which blocks are looked for

Picture = npt.NDArray[np.uint8]


def reason_of(picture: Picture, neighbours: Sequence[Picture], wrong: Errors) -> Reason:
    """Why a key is worth it whose frame `picture` [H, W, 3] has these neighbouring keys' frames in its shot.

    `wrong` is what the better of the neighbours leaves wrong in each block of it.
    """
    if float(wrong.mean()) < LITTLE:
        return "even spacing"
    if all(_lit_apart(picture, other) for other in neighbours):
        return "light"
    found = _found(picture, neighbours, wrong)
    unknown = ~found & (wrong > UNKNOWN)
    sums: dict[Reason, float] = {
        "motion": float(wrong[found].sum()),
        "new content": float(wrong[unknown].sum()),
        "appearance": float(wrong[~found & ~unknown].sum()),
    }
    return max(sums, key=lambda reason: sums[reason])


def _lit_apart(picture: Picture, other: Picture) -> bool:
    """Whether one change of exposure explains most of what is different when `other` is seen through the motion."""
    seen = pull(other, step(gray_of(picture), gray_of(other)))
    before, after = (float(block_errors(picture, p).mean()) for p in (seen, relit(picture, seen)))
    return after < before / 2


def _found(picture: Picture, neighbours: Sequence[Picture], wrong: Errors) -> npt.NDArray[np.bool_]:
    """Which blocks [blocks] are wrong and yet lie somewhere in a neighbour."""
    scale = min(1.0, SEARCH_SIDE_PX / max(picture.shape[:2]))
    here, *there = (_scaled(p, scale) for p in (picture, *neighbours))
    h, w = here.shape[:2]
    found = np.zeros(BLOCKS[0] * BLOCKS[1], np.bool_)
    for block in np.flatnonzero(wrong > WRONG):
        row, column = divmod(int(block), BLOCKS[0])
        # Half a block more on each side: what is found should be more than a colour.
        top, bottom = _span(row, BLOCKS[1], h)
        left, right = _span(column, BLOCKS[0], w)
        patch = here[top:bottom, left:right]
        if float(patch.astype(np.float32).var(axis=(0, 1)).mean()) < PLAIN:
            continue
        best = min(float(cv2.matchTemplate(other, patch, cv2.TM_SQDIFF).min()) for other in there)
        found[block] = best / patch.size < min(FOUND * float(wrong[block]), ALIKE)
    return found


def _span(index: int, count: int, length: int) -> tuple[int, int]:
    return max(0, int((index - 0.5) * length / count)), max(1, min(length, round((index + 1.5) * length / count)))


def _scaled(picture: Picture, scale: float) -> Picture:
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
