"""A key's colours brought to those of another clip's anchor: what is alike in both frames, and then the rest.

    frames   ──► places that are alike, and how surely: one stroke of the anchor says nothing of a kind
    picture  ──► curves to the anchor's colours as a whole (looks/palette.py)
             ──► alike:  what the anchor's picture is on such places, on the mean, less what this one is on its own
                 rest:   curves to those of the anchor's colours that what is alike doesn't have already
                 laid together, smooth, with the frame's edges; once more, for what smoothing left

So a wall that both show is painted as the anchor's is, and the whole keeps the anchor's colours beside it: a shot that
is half white wall gets the earth and leaves of the anchor into what isn't wall.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.consistency.clean_mask import guided
from restrip.looks.diffusion.consistency.kinds import Kinds, places_of
from restrip.looks.palette import SHARES, SMALL_PX, ColourShift, Palette, curve, shift_between, wanted_colours

Floats = npt.NDArray[np.float32]

PASSES = 2

LEAST_PART = 0.05
"""Where less is alike, colours of what is alike aren't told from the rest's."""

LEVELS = 256


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
        places = places_of(frame)
        return cls((Palette.of(frame), Palette.of(picture)), places, _small(_lab(picture), places))

    def given(self, picture: Floats, frame: Floats, strength: float) -> Floats:
        """`picture` [h, w, 3] of another `frame` on its way to these colours; both float32 in 0..1, sRGB-coded.
        `strength` 0 leaves it.
        """
        own, kinds = Palette.of(frame), Kinds.between(places_of(frame), self.places)
        wanted, guide = wanted_colours(self.palettes, own), cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        part = np.clip(_whole(kinds.sure, guide), 0, 1)
        before = _lab(picture)
        made = shift_between(self.palettes, (own, Palette.of(picture))).moved(before)
        for _ in range(PASSES):
            difference = kinds.sure * kinds.difference(self.painted.reshape(-1, 3), _small(made, kinds.sure))
            alike = part * made + _whole(difference, guide)
            rest = _rest(before, alike, part[..., 0], wanted)
            made = alike + (1 - part) * rest.moved(before)
        coded = np.clip(cv2.cvtColor(made, cv2.COLOR_LAB2RGB), 0, 1)
        result: Floats = picture + np.float32(strength) * (coded - picture)
        return result


def _rest(picture: Floats, alike: Floats, part: Floats, wanted: Floats) -> ColourShift:
    """What brings the colours of what isn't alike to those of the `wanted` ones, [13, 3] at SHARES, that what is alike
    doesn't have: `part` [h, w] of each place, times which `alike` [h, w, 3] are its colours; all in CIE Lab.
    """
    scale = min(1.0, SMALL_PX / max(part.shape))
    size = tuple(max(1, round(side * scale)) for side in part.shape[::-1])
    part, picture, alike = (cv2.resize(of, size, interpolation=cv2.INTER_AREA) for of in (part, picture, alike))
    alike = (alike / np.maximum(part, LEAST_PART)[..., None]).reshape(-1, 3)
    weights, others = part.ravel(), np.maximum(1 - part.ravel(), 1e-4)
    start, end = np.empty_like(wanted), np.empty_like(wanted)
    for channel, values in enumerate(picture.reshape(-1, 3).T):
        start[:, channel] = _quantiles(values, others)
        end[:, channel] = _left(wanted[:, channel], alike[:, channel], weights)
    return curve(start, end)


def _quantiles(values: Floats, weights: Floats) -> Floats:
    """At SHARES, of weighed values, both [n]."""
    order = np.argsort(values)
    shares = np.cumsum(weights[order], dtype=np.float64)
    found: Floats = np.interp(SHARES, shares / shares[-1], values[order]).astype(np.float32)
    return found


def _left(wanted: Floats, there: Floats, weights: Floats) -> Floats:
    """The quantiles at SHARES of what is left of colours with the quantiles `wanted`, [13], where `there` [n] are taken
    out of it, each as `weights` says; those that there are too many of aren't counted.
    """
    low, high = float(min(wanted[0], there.min())), float(max(wanted[-1], there.max()))
    levels = np.linspace(low - 1, high + 1, LEVELS + 1)
    all_of_it = np.interp(levels[1:], wanted, SHARES, left=0.0, right=1.0)
    taken = np.cumsum(np.histogram(there, levels, weights=weights)[0]) / len(there)
    left = np.maximum.accumulate(np.maximum(all_of_it - taken, 0))
    if left[-1] < LEAST_PART:
        return wanted
    rising = left / left[-1] + np.arange(LEVELS) * 1e-9
    found: Floats = np.interp(SHARES, rising, levels[1:]).astype(np.float32)
    return found


def _whole(values: Floats, guide: Floats) -> Floats:
    """Of each place, [h, w, c], small, as large as the `guide` [H, W], with its edges."""
    height, width = guide.shape
    planes = [np.ascontiguousarray(values[..., channel]) for channel in range(values.shape[-1])]
    large = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.dstack([guided(plane, guide) for plane in large])


def _small(lab: Floats, like: Floats) -> Floats:
    height, width = like.shape[:2]
    return cv2.resize(lab, (width, height), interpolation=cv2.INTER_AREA).reshape(-1, 3)


def _lab(coded: Floats) -> Floats:
    return cv2.cvtColor(np.clip(coded, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
