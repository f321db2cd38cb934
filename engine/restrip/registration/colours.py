"""What a key shows beside edges: the frame in the key's colours, as far as colour by colour tells them.

Broad strokes draw the measure of edges to and fro; where light and dark areas meet stays where it was.

frame ─► its colours, and those around, by one smooth map as the key has them ─► compared with the key, both without
what is broader than strokes
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from restrip.registration.cells import Pair
from restrip.registration.structure import AROUND, FLOOR, Floats
from restrip.registration.warp import Warp, resized

FINE_PX, BROAD_PX = 1.0, 8.0
"""What is narrower or broader than these is left out."""

NEAR_PX = 4.0
EVERY = 7
RIDGE = 1e-2


def with_colours(
    pair: Pair, frame: npt.NDArray[np.uint8], key: npt.NDArray[np.uint8], warp: Warp
) -> tuple[Pair, float]:
    """A pair with channels of colours beside those of edges: pictures [H, W, 3] uint8 of one size, `warp` of the pair's
    size for as far as the key is known to lie. And how well the frame's colours tell the key's, their correlation.
    """
    ours, theirs = (resized(picture, pair.size).astype(np.float32) / 255 for picture in (frame, key))
    field = warp.field()
    inside = ((field >= 0) & (field <= np.array(pair.size) - 1)).all(-1)
    told = _features(ours)
    known, seen = told[inside][::EVERY], warp.pull(theirs)[inside][::EVERY]
    channels = known.shape[1]
    plain = np.linalg.solve(known.T @ known + RIDGE * np.eye(channels, dtype=np.float32), known.T @ seen)
    guess = np.ascontiguousarray(told @ plain, np.float32)
    # A key that is transparent, or not known, has no structure there: no colours either.
    shown = (np.abs(pair.key).sum(-1) > 0)[..., None]
    both = [
        np.ascontiguousarray(np.dstack([edges, _level(colours)]))
        for edges, colours in ((pair.frame, guess), (pair.key, theirs))
    ]
    both[1][..., pair.key.shape[2] :] *= shown
    a, b = both[0][..., -3:][inside], warp.pull(np.ascontiguousarray(both[1][..., -3:]))[inside]
    alike = float((a * b).sum() / (np.sqrt(float((a * a).sum()) * float((b * b).sum())) + 1e-9))
    return replace(pair, frame=both[0], key=both[1]), alike


def _features(picture: Floats) -> Floats:
    """What a colour is told from, [H, W, 13]: its parts, their products, and the colours around."""
    near = cv2.GaussianBlur(picture, (0, 0), NEAR_PX)
    r, g, b = (picture[..., n] for n in range(3))
    return np.dstack([np.ones_like(r), r, g, b, r * r, g * g, b * b, r * g, g * b, r * b, near])


def _level(picture: Floats) -> Floats:
    """The picture's middle sizes, each about 1 wherever it is."""
    middle = cv2.GaussianBlur(picture, (0, 0), FINE_PX) - cv2.GaussianBlur(picture, (0, 0), BROAD_PX)
    power = (middle * middle).sum(-1)
    level = np.sqrt(cv2.blur(power, (4 * AROUND + 1,) * 2))
    whole = float(np.sqrt(power.mean())) + 1e-6
    return np.asarray(middle / (level + FLOOR * whole)[..., None], np.float32)
