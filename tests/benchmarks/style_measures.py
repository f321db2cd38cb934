"""How far one picture's style lies from another's, whatever both show. Pictures are [H, W, 3] uint8, sRGB-coded.

colours    distance of histograms in CIE Lab: how far colours would have to be moved, mean of the axes
strokes    how coarse and how strong: contrasts of lightness in five octaves, 2 to 32 pixels, in octaves of contrast
textures   filters' correlations at four scales, as a share (Gram matrices, Gatys et al. 2016, of fixed filters)
learned    distance of the 100 numbers by which a network tells styles (Ghiasi et al. 2017), trained on paintings
patches    how far the nearest patch of 5x5 pixels of the other picture is, its mean taken away, in CIE Lab
alike      how differently both paint, on the mean, what is alike in their frames in colour and texture, in CIE Lab;
           `itself` is that of one picture's halves: no key can be more like an anchor than the anchor is
structure  correlation of luma gradients with the own frame: likeness isn't bought by leaving the frame
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt
from style_pictures import structure

from restrip.looks.style_transfer.networks import STYLE_PX, AnyStyle

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Pair = tuple[Bytes, Bytes]

OCTAVES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""The finer blur of each, in pixels."""
LIKE = 3.0
"""What differs no more in two frames, in colour and texture, is of one kind."""
STEP_PX, LEAST_ALIKE = 4, 12.0
"""Places are compared so far apart; one with fewer of its kind in either frame isn't: that would be single strokes."""
SLOPES = 0.25
"""How soon slopes are believed, as a share of LIKE squared."""
PATCH_PX, PATCH_STEP_PX = 5, 6


def measures(anchor: Pair, key: Pair) -> dict[str, float]:
    """All of them, of a key against an anchor, both as (frame, picture)."""
    model, own = anchor[1], key[1]
    return {
        "colours": colours(model, own),
        "strokes": strokes(model, own),
        "textures": textures(model, own),
        "learned": float(np.linalg.norm(learned(model) - learned(own))),
        "patches": patches(model, own),
        "alike": alike(anchor, key),
        "structure": structure(own, key[0]),
    }


def colours(a: Bytes, b: Bytes) -> float:
    """How far apart the colours of two pictures are: the mean over the axes of CIE Lab of the distance of their sorted
    values (the first Wasserstein distance of the histograms).
    """
    at = np.linspace(0, 1, 257)
    quantiles = [np.quantile(lab(picture).reshape(-1, 3), at, axis=0) for picture in (a, b)]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())


def strokes(a: Bytes, b: Bytes) -> float:
    """How far two pictures' contrasts lie apart, the mean over OCTAVES of |log2| of their ratio."""
    return float(np.abs(np.log2(contrasts(a) / contrasts(b))).mean())


def contrasts(picture: Bytes) -> Floats:
    """The spread of lightness in each of OCTAVES, [5]: what lies between two blurs of which one is twice as wide."""
    lightness = lab(picture)[..., 0]
    blurs = [cv2.GaussianBlur(lightness, (0, 0), width) for width in (*OCTAVES, 2 * OCTAVES[-1])]
    return np.float32([np.std(fine - coarse) + 0.1 for fine, coarse in pairwise(blurs)])


def textures(a: Bytes, b: Bytes) -> float:
    """How far the correlations of filters lie apart, as a share of their own size, the mean over the scales."""
    pairs = zip(correlations(a), correlations(b), strict=True)
    return float(np.mean([np.linalg.norm(x - y) / np.sqrt(np.linalg.norm(x) * np.linalg.norm(y)) for x, y in pairs]))


def correlations(picture: Bytes) -> list[Floats]:
    """Of details and slopes of all channels of CIE Lab, [18, 18] at each of four scales."""
    values, found = lab(picture) / np.float32(50), []
    for _ in range(4):
        responses = []
        for plane in cv2.split(values):
            slopes = [cv2.Sobel(plane, cv2.CV_32F, across, 1 - across, scale=0.25) for across in (1, 0)]
            kinds = (plane - cv2.GaussianBlur(plane, (0, 0), 1.5), *slopes)
            responses += [*kinds, *map(np.abs, kinds)]
        flat = np.stack(responses).reshape(len(responses), -1)
        found.append(flat @ flat.T / flat.shape[1])
        values = cv2.pyrDown(values)
    return found


@cache
def _network() -> AnyStyle:
    return AnyStyle()


def learned(picture: Bytes) -> Floats:
    """What the any-style network says of a picture, [100]."""
    square = cv2.resize(picture.astype(np.float32) / 255, (STYLE_PX, STYLE_PX), interpolation=cv2.INTER_AREA)
    return _network().style(square).ravel()


def patches(a: Bytes, b: Bytes) -> float:
    """How far patches of `b` are from the nearest ones of `a`, root mean square, the mean over `b`."""
    theirs, mine = _patches(a, PATCH_STEP_PX // 2), _patches(b, PATCH_STEP_PX)
    apart = (mine**2).sum(1)[:, None] + (theirs**2).sum(1)[None] - 2 * mine @ theirs.T
    return float(np.sqrt(np.maximum(apart.min(1), 0) / PATCH_PX**2).mean())


def _patches(picture: Bytes, step: int) -> Floats:
    window = (PATCH_PX, PATCH_PX)
    found = np.lib.stride_tricks.sliding_window_view(lab(picture), window, axis=(0, 1))[::step, ::step]
    flat = found.reshape(-1, 3, PATCH_PX**2)
    return (flat - flat.mean(axis=2, keepdims=True)).reshape(len(flat), -1)


def alike(anchor: Pair, key: Pair) -> float:
    """How differently two pictures paint what is alike in their frames: means over what is alike, as a distance in CIE
    Lab. Not a number where nothing is.

    What frames differ by within a kind is taken out by locally linear means: pictures that the same curves made of two
    frames lie at 1 to 3, whatever the frames show.
    """
    theirs, mine = (_around(frame).reshape(-1, 4) for frame in (anchor[0], key[0]))
    model, own = (cv2.GaussianBlur(lab(picture), (0, 0), 3) for picture in (anchor[1], key[1]))
    model, own = (picture[::STEP_PX, ::STEP_PX].reshape(-1, 3) for picture in (model, own))
    to_theirs, to_mine = _likeness(mine, theirs), _likeness(mine, mine)
    judged = (to_theirs.sum(1) > LEAST_ALIKE) & (to_mine.sum(1) > LEAST_ALIKE)
    if not judged.any():
        return float("nan")
    there = _expected(mine[judged], theirs, to_theirs[judged], model)
    here = _expected(mine[judged], mine, to_mine[judged], own)
    return float(np.linalg.norm(there - here, axis=1).mean())


def itself(anchor: Pair) -> float:
    """`alike` of a picture's left and right halves, the mean of both ways."""
    half = anchor[0].shape[1] // 2 - 8
    left, right = (tuple(of[:, part] for of in anchor) for part in (slice(half), slice(-half, None)))
    halves = [left, right]
    return float(np.nanmean([alike(*halves), alike(*halves[::-1])]))


def _expected(at: Floats, places: Floats, likeness: Floats, values: Floats) -> Floats:
    """What `values` [n, 3] at `places` [n, 4] are expected to be `at` others [m, 4], by locally linear means."""
    found = []
    for place, weights in zip(at, likeness, strict=True):
        near = weights > 1e-3
        apart = np.column_stack([np.ones(near.sum()), places[near] - place])
        weighed = apart.T * weights[near]
        normal = weighed @ apart
        normal[1:, 1:] += np.eye(4) * weights.sum() * LIKE**2 * SLOPES
        found.append(np.linalg.solve(normal, weighed @ values[near])[0])
    return np.float32(found)


def _around(frame: Bytes) -> Floats:
    """Mean colour in CIE Lab around places, and the spread of its lightness."""
    values = lab(frame)
    mean = cv2.GaussianBlur(values, (0, 0), 3)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(values[..., 0] ** 2, (0, 0), 3) - mean[..., 0] ** 2, 0))
    return np.dstack([mean, spread])[::STEP_PX, ::STEP_PX]


def _likeness(mine: Floats, theirs: Floats) -> Floats:
    return np.exp(-((mine[:, None] - theirs[None]) ** 2).sum(2) / (2 * LIKE**2))


def lab(picture: Bytes) -> Floats:
    """In CIE Lab."""
    return cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
