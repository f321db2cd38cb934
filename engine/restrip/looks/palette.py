"""Colours of a key brought to an anchor's that shows something else: by what the anchor's look did to its own frame.

    anchor   frame ──► picture            what the look makes of colours, as their distribution in CIE Lab
    key      frame ──► expected colours   those of the anchor's picture, moved part of the way that the frames differ
             picture ──► brought to them  one monotonous curve a channel, of bounded slope

Distributions are matched channel by channel, as in Pitie et al. 2007, section 2, without its rotations.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MOST_GAIN = 2.0
"""Contrast and colourfulness are changed by no more than this factor, either way."""

FOLLOWED = (0.2, 0.1, 0.1)
"""How far lightness and both colour axes follow the difference between the two frames: a dark shot stays darker, while
colours are mostly those of the anchor's picture."""

SHARES = np.linspace(0.02, 0.98, 13)
"""Where distributions are compared."""

SPREAD_FLOOR = 1.0
LEAST_STEP = 0.25
BEYOND = 200.0
SMALL_PX = 256


@dataclass(frozen=True, eq=False)
class Palette:
    """A picture's colours in CIE Lab: their mean and spread, [3] float32, and their quantiles at SHARES, [13, 3]."""

    mean: Floats
    spread: Floats
    quantiles: Floats

    @classmethod
    def of(cls, coded: Floats) -> Palette:
        """Of a picture [H, W, 3] float32 in 0..1, sRGB-coded."""
        height, width = coded.shape[:2]
        scale = min(1.0, SMALL_PX / max(width, height))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = coded if scale == 1 else cv2.resize(coded, size, interpolation=cv2.INTER_AREA)
        lab = _lab(small).reshape(-1, 3)
        return cls(lab.mean(0), lab.std(0), np.quantile(lab, SHARES, axis=0).astype(np.float32))


@dataclass(frozen=True, eq=False)
class ColourShift:
    """A curve for each channel of CIE Lab, through points from `start` to `end`, [13, 3] float32 each; beyond them
    values move along with the nearest point.
    """

    start: Floats
    end: Floats

    def applied(self, coded: Floats) -> Floats:
        """A picture [H, W, 3] float32 in 0..1, sRGB-coded, with its colours shifted; in 0..1 again."""
        return np.clip(cv2.cvtColor(self.moved(_lab(coded)), cv2.COLOR_LAB2RGB), 0, 1)

    def moved(self, lab: Floats) -> Floats:
        """The same of a picture in CIE Lab, [H, W, 3] float32."""
        start, end = (
            np.concatenate([points[:1] - BEYOND, points, points[-1:] + BEYOND]) for points in (self.start, self.end)
        )
        moved = np.empty_like(lab)
        for channel in range(3):
            moved[..., channel] = np.interp(lab[..., channel], start[:, channel], end[:, channel])
        return moved


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
    frame, picture = key
    return curve(picture.quantiles, wanted_colours(anchor, frame, followed), strength)


def wanted_colours(
    anchor: tuple[Palette, Palette], frame: Palette, followed: tuple[float, float, float] = FOLLOWED
) -> Floats:
    """The quantiles at SHARES of what the anchor's look is expected to make of another frame, [13, 3]."""
    anchor_frame, anchor_picture = anchor
    share = np.array(followed, np.float32)
    made = _bounded(anchor_picture.spread, anchor_frame.spread)
    mean = anchor_picture.mean + share * made * (frame.mean - anchor_frame.mean)
    scale = _bounded(frame.spread, anchor_frame.spread) ** share
    wanted: Floats = mean + scale * (anchor_picture.quantiles - anchor_picture.mean)
    return wanted


def curve(start: Floats, wanted: Floats, strength: float = 1.0) -> ColourShift:
    """What brings colours with the quantiles `start` to `wanted`, both [13, 3] at SHARES, by bounded slopes."""
    # Points lie apart, for a picture of one colour too.
    apart = LEAST_STEP * (np.arange(len(SHARES), dtype=np.float32) - len(SHARES) // 2)[:, None]
    start, wanted = start + apart, wanted + apart
    slopes = np.clip(np.diff(wanted, axis=0) / np.diff(start, axis=0), 1 / MOST_GAIN, MOST_GAIN)
    rises = np.concatenate([np.zeros((1, 3), np.float32), np.cumsum(slopes * np.diff(start, axis=0), axis=0)])
    # Where the slope was bounded the curve keeps to what is wanted on the whole.
    end = rises + (wanted - rises).mean(axis=0)
    return ColourShift(start, (start + strength * (end - start)).astype(np.float32))


def _bounded(wanted: Floats, there: Floats) -> Floats:
    ratio = (wanted + SPREAD_FLOOR) / (there + SPREAD_FLOOR)
    return np.clip(ratio, 1 / MOST_GAIN, MOST_GAIN).astype(np.float32)


def _lab(coded: Floats) -> Floats:
    return cv2.cvtColor(np.clip(coded, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
