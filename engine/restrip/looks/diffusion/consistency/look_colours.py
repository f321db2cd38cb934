"""A key's colours brought to those of another clip's anchor: as a whole, and then what is alike in both frames.

    picture ──► curves to the anchor's colours (looks/palette.py): a shot that is half white wall gets earth and leaves
                into its wall where the anchor shows little white
            ──► where the frame is like a part of the anchor's frame: what the anchor's picture is there, on the mean,
                less what this one is where its own frame is so. Smooth, with the frame's edges

So a wall that both show is painted as the anchor's is, and what the anchor has nothing of has its colours.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.consistency.clean_mask import guided
from restrip.looks.palette import Palette, shift_between

Floats = npt.NDArray[np.float32]

PART = 0.6
"""How much of the difference is taken away. All of it would cost edges between what is alike and what isn't, and the
colours of the whole."""

SMALL_PX = 48
"""The longer side at which frames are compared: their places are things, not pixels."""

AROUND = 1 / 128
"""What belongs to a place, as a share of the longer side."""

ALIKE = 4.0
"""Places are alike that lie no more than about so far apart, in CIE Lab and the spread of its lightness."""

FEW = 0.0013
"""Of the anchor's places: where just so many are like one, half of the difference counts."""


@dataclass(frozen=True, eq=False)
class LookColours:
    """What an anchor says of the colours of other clips' keys, found once: the `palettes` of its frame and its picture,
    the frame's `places` [h, w, 4], small, and what its picture is there, `painted` [h * w, 3] in CIE Lab.
    """

    palettes: tuple[Palette, Palette]
    places: Floats
    painted: Floats

    @classmethod
    def of(cls, frame: Floats, picture: Floats) -> LookColours:
        """Of the anchor's frame and its picture, [h, w, 3] float32 in 0..1, sRGB-coded."""
        places = _places(frame)
        return cls((Palette.of(frame), Palette.of(picture)), places, _small(_lab(picture), places))

    def given(self, picture: Floats, frame: Floats, strength: float) -> Floats:
        """`picture` [h, w, 3] of another `frame` on its way to these colours; both float32 in 0..1, sRGB-coded.
        `strength` 0 leaves it.
        """
        own = Palette.of(frame), Palette.of(picture)
        shifted = _lab(shift_between(self.palettes, own, strength).applied(picture))
        height, width = frame.shape[:2]
        whole = cv2.resize(self._difference(shifted, frame), (width, height), interpolation=cv2.INTER_LINEAR)
        guide = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        for channel in range(3):
            shifted[..., channel] += strength * PART * guided(whole[..., channel], guide)
        return np.clip(cv2.cvtColor(shifted, cv2.COLOR_LAB2RGB), 0, 1)

    def _difference(self, picture: Floats, frame: Floats) -> Floats:
        """How far the anchor's picture is from this one, in CIE Lab, where frames are alike: [h, w, 3], small; 0 where
        they aren't.
        """
        mine = _places(frame)
        here = _small(picture, mine)
        to_theirs, to_mine = _alike(mine, self.places), _alike(mine, mine)
        count = to_theirs.sum(axis=1, keepdims=True)
        counts = count / (count + np.float32(FEW * to_theirs.shape[1]))
        apart = to_theirs @ self.painted / np.maximum(count, 1e-6) - to_mine @ here / to_mine.sum(axis=1, keepdims=True)
        found: Floats = (counts * apart).reshape((*mine.shape[:2], 3))
        return found


def _places(frame: Floats) -> Floats:
    """Mean colour in CIE Lab and the spread of its lightness around each place of a frame, [h, w, 4], small."""
    longer = max(frame.shape[:2])
    height, width = (max(1, round(side * SMALL_PX / longer)) for side in frame.shape[:2])
    lab = _lab(frame)
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


def _small(lab: Floats, like: Floats) -> Floats:
    height, width = like.shape[:2]
    return cv2.resize(lab, (width, height), interpolation=cv2.INTER_AREA).reshape(-1, 3)


def _lab(coded: Floats) -> Floats:
    return cv2.cvtColor(np.clip(coded, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
