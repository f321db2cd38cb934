"""Colours of a key brought to an anchor's that shows something else: by what the anchor's look did to its own frame.

anchor   frame ──► picture            what the look makes of colours, as means and spreads in CIE Lab
key      frame ──► expected colours   the same done to the key's frame, and part of the way to the anchor's picture
         picture ──► brought to them  one gain and one offset a channel (after Reinhard et al. 2001)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MOST_GAIN = 2.0
"""Contrast and colourfulness are changed by no more than this factor, either way."""

FOLLOWED = (0.3, 0.15, 0.15)
"""How far lightness and both colour axes follow the difference between the two frames: a dark shot stays darker, while
colours are mostly those of the anchor's picture."""

SPREAD_FLOOR = 1.0
SMALL_PX = 256


@dataclass(frozen=True, eq=False)
class Palette:
    """The mean and spread of a picture's colours in CIE Lab, [3] float32 each."""

    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, coded: Floats) -> Palette:
        """Of a picture [H, W, 3] float32 in 0..1, sRGB-coded."""
        height, width = coded.shape[:2]
        scale = min(1.0, SMALL_PX / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = coded if scale == 1 else cv2.resize(coded, size, interpolation=cv2.INTER_AREA)
        lab = _lab(small)
        return cls(lab.mean((0, 1)), lab.std((0, 1)))


@dataclass(frozen=True, eq=False)
class ColourShift:
    """One gain and one offset for each channel of CIE Lab, [3] float32 each."""

    gain: Floats
    offset: Floats

    def applied(self, coded: Floats) -> Floats:
        """A picture [H, W, 3] float32 in 0..1, sRGB-coded, with its colours shifted; in 0..1 again."""
        shifted = _lab(coded) * self.gain + self.offset
        return np.clip(cv2.cvtColor(shifted.astype(np.float32), cv2.COLOR_LAB2RGB), 0, 1)

    def faded(self, strength: float) -> ColourShift:
        """So much of it: 0 is none, 1 all."""
        return ColourShift(1 + strength * (self.gain - 1), strength * self.offset)


def shift_between(
    anchor: tuple[Palette, Palette],
    key: tuple[Palette, Palette],
    strength: float = 1.0,
    followed: tuple[float, float, float] = FOLLOWED,
) -> ColourShift:
    """What brings a key's picture to the anchor's colours; both are given as (frame's palette, picture's palette).

    `followed` is how far the difference between the frames is kept, in 0..1 for each axis of CIE Lab: 0
    where a look makes pictures of one lightness and colour of every frame.
    """
    share = np.array(followed, np.float32)
    (anchor_frame, anchor_picture), (frame, picture) = anchor, key
    made = _bounded(anchor_picture.spread, anchor_frame.spread)
    mean = anchor_picture.mean + share * made * (frame.mean - anchor_frame.mean)
    spread = anchor_picture.spread * _bounded(frame.spread, anchor_frame.spread) ** share
    gain = _bounded(spread, picture.spread)
    return ColourShift(gain, mean - gain * picture.mean).faded(strength)


def _bounded(wanted: Floats, there: Floats) -> Floats:
    ratio = (wanted + SPREAD_FLOOR) / (there + SPREAD_FLOOR)
    return np.clip(ratio, 1 / MOST_GAIN, MOST_GAIN).astype(np.float32)


def _lab(coded: Floats) -> Floats:
    return cv2.cvtColor(np.clip(coded, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
