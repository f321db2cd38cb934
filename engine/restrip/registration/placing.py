"""A key of another shape than its frame's, or with bars, laid on it before anything is measured: stretched, inside it
or around it, between its bars or without them.

stretched             inside: its sides          around: it has
                      were cut away              bars above and below
+---------+           +--+-----+--+                 :.......:
|  frame  |           |  | key |  |              +--:-------:--+
|  = key  |           |  |     |  |              |  : frame :  |
+---------+           +--+-----+--+              +--:-------:--+
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, Picture
from restrip.media.geometry import resampled
from restrip.registration.bars import Bars, bars_of, hides, is_border, parts_of
from restrip.registration.cells import Pair
from restrip.registration.search import SEARCH_PX, guesses
from restrip.registration.structure import Floats

STRETCHED, INSIDE, AROUND = "", "inside", "around"
BETWEEN, WITHOUT = "between bars", "without bars"
"""Its bars hide a part of the frame; or all of the frame lies between them."""

ASPECT_TOLERANCE = 0.01
"""Of the frame's aspect: what is stretched by more may have been cut or given bars instead."""

CLEARLY = 0.02
"""By how much another way has to agree better before a key isn't stretched, as it would be without a measure."""

BESIDE_PX = 3
"""What is left out beside a bar: resampled, smoothed or stored, it has some of it."""

Known = npt.NDArray[np.bool_]


def other_shape(given: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether a picture of one size (width, height) changes its shape when it is stretched to another."""
    return abs(given[0] * wanted[1] / (given[1] * wanted[0]) - 1) > ASPECT_TOLERANCE


def placed(key: Frame, size: tuple[int, int], way: str) -> tuple[Frame, Known | None]:
    """The key on a picture of `size`, and where it shows something, [H, W]; None for everywhere.

    Elsewhere its edges are repeated, transparent when the key has alpha.
    """
    if way == STRETCHED:
        return resampled(key, size), None
    if way in (BETWEEN, WITHOUT):
        return _between(key, size, bars_of(key), cut=way == WITHOUT)
    ratios = [side / own for side, own in zip(size, key.size, strict=True)]
    scale = min(ratios) if way == INSIDE else max(ratios)
    made = resampled(key, (max(1, round(key.size[0] * scale)), max(1, round(key.size[1] * scale))))
    known = np.zeros((size[1], size[0]), bool)
    # Where the middles of both lie on each other: parts of the canvas and of the key.
    parts = [_overlap(side, own) for side, own in zip(known.shape, made.size[::-1], strict=True)]
    there, here = (parts[0][0], parts[1][0]), (parts[0][1], parts[1][1])
    known[there] = True
    (top, bottom), (left, right) = (
        (part.start, side - part.stop) for part, side in zip(there, known.shape, strict=True)
    )

    def laid(picture: Picture, border: int) -> Picture:
        return cv2.copyMakeBorder(np.ascontiguousarray(picture[here]), top, bottom, left, right, border)

    alpha = None if made.alpha is None else laid(made.alpha, cv2.BORDER_CONSTANT)
    return Frame(laid(made.rgb, cv2.BORDER_REPLICATE), alpha), None if known.all() else known


def way_of(frame: npt.NDArray[np.uint8], key: Frame) -> str:
    """How a key lies on its frame [H, W, 3] when it has bars or another shape: as their structure agrees best."""
    size = frame.shape[1], frame.shape[0]
    ways = (STRETCHED, INSIDE, AROUND) if other_shape(key.size, size) else (STRETCHED,)
    bars = bars_of(key)
    if any(hides(frame, part) for part in parts_of(bars, key.size, size)):
        ways = (*ways, BETWEEN, WITHOUT)
    if ways == (STRETCHED,):
        return STRETCHED
    best_of = {}
    for way in ways:
        laid, known = placed(key, size, way)
        seen = weight_of(laid, known)
        small = Pair.of(frame, laid.rgb8(), seen, SEARCH_PX)
        best_of[way] = guesses(small.frame, small.key)[0]
    scores = {way: guess.score for way, guess in best_of.items()}
    if BETWEEN in ways and scores[BETWEEN] > max(scores.values()) - CLEARLY:
        # Where it lies already: bars themselves agree with nothing.
        return STRETCHED if is_border(bars, key, best_of[BETWEEN].is_still) else BETWEEN
    best = max(scores, key=lambda way: scores[way])
    return best if scores[best] > scores[STRETCHED] + CLEARLY else STRETCHED


def weight_of(key: Frame, known: Known | None) -> Floats | None:
    """How much each pixel of a key shows, [H, W] in 0..1; None for all of it."""
    alpha = None if key.alpha is None else key.alpha.astype(np.float32) / key.white
    if known is None:
        return alpha
    return known.astype(np.float32) if alpha is None else alpha * known


def _between(key: Frame, size: tuple[int, int], bars: Bars, *, cut: bool) -> tuple[Frame, Known | None]:
    """A key without its bars: with them `cut` off, stretched over the picture, else where it lies."""
    if cut:
        left, top, right, bottom = bars
        rows, columns = slice(top, key.size[1] - bottom), slice(left, key.size[0] - right)
        alpha = None if key.alpha is None else np.ascontiguousarray(key.alpha[rows, columns])
        return resampled(Frame(np.ascontiguousarray(key.rgb[rows, columns]), alpha), size), None
    known = np.ones((size[1], size[0]), np.uint8)
    for part in parts_of(bars, key.size, size):
        known[part] = 0
    reach = np.ones((2 * BESIDE_PX + 1,) * 2, np.uint8)
    return resampled(key, size), cv2.erode(known, reach, borderType=cv2.BORDER_REPLICATE) > 0


def _overlap(whole: int, own: int) -> tuple[slice, slice]:
    first = (whole - own) // 2 if whole >= own else -((own - whole) // 2)
    there = slice(max(0, first), min(whole, first + own))
    return there, slice(there.start - first, there.stop - first)
