"""Which places of two frames are of a kind: alike in colour and texture, wherever they lie."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

PLACES = 48
"""Along the longer side: they are things, not pixels."""

AROUND = 1 / 128
"""What belongs to a place, as a share of the longer side."""

ALIKE = 4.0
"""Places are alike that lie no more than about so far apart, in CIE Lab and the spread of its lightness."""

FEW = 0.004
"""Of the other frame's places: where just so many are alike, half of what they say counts, and of fewer soon nothing,
for what is painted there is a stroke or two.
"""


@dataclass(frozen=True, eq=False)
class Kinds:
    """How much each of a frame's places is like each of another's, `to_theirs` [mine, theirs] in 0..1, and like each of
    its own, `to_mine`; and how `sure` what the other says of it is, [h, w, 1] in 0..1.
    """

    to_theirs: Floats
    to_mine: Floats
    sure: Floats

    @classmethod
    def between(cls, mine: Floats, theirs: Floats) -> Kinds:
        """Of both frames' places, [h, w, 4]."""
        to_theirs = _alike(mine, theirs)
        many = np.square(to_theirs.mean(axis=1))
        sure: Floats = (many / (many + np.float32(FEW**2))).reshape((*mine.shape[:2], 1))
        return cls(to_theirs, _alike(mine, mine), sure)

    def difference(self, theirs: Floats, mine: Floats) -> Floats:
        """How far the means of `theirs` [n, c] over places of a kind are from those of `mine` [m, c], [h, w, c]."""
        there, here = (
            kind @ values / np.maximum(kind.sum(axis=1, keepdims=True), 1e-6)
            for kind, values in ((self.to_theirs, theirs), (self.to_mine, mine))
        )
        found: Floats = (there - here).reshape((*self.sure.shape[:2], -1))
        return found


def places_of(frame: Floats) -> Floats:
    """Mean colour in CIE Lab and the spread of its lightness around each place of a frame, [h, w, 4], small."""
    longer = max(frame.shape[:2])
    height, width = (max(1, round(side * PLACES / longer)) for side in frame.shape[:2])
    lab = cv2.cvtColor(np.clip(frame, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
    mean = cv2.GaussianBlur(lab, (0, 0), longer * AROUND)
    square = cv2.GaussianBlur(np.square(lab[..., 0]), (0, 0), longer * AROUND)
    spread = np.sqrt(np.maximum(square - np.square(mean[..., 0]), 0))
    return cv2.resize(np.dstack([mean, spread]), (width, height), interpolation=cv2.INTER_AREA)


def _alike(mine: Floats, theirs: Floats) -> Floats:
    """How much each of the places `mine` is like each of `theirs`, in 0..1, [mine, theirs]."""
    apart = np.zeros((mine[..., 0].size, theirs[..., 0].size), np.float32)
    for channel in range(theirs.shape[-1]):
        apart += np.square(mine[..., channel].reshape(-1, 1) - theirs[..., channel].reshape(1, -1))
    found: Floats = np.exp(apart / np.float32(-2 * ALIKE**2))
    return found
