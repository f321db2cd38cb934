"""What another key shows of this one, carried along the motion into its finished picture.

Once, in pixels, after the last decode. Where both keys show the same thing is a clean mask (clean_mask.py); inside it
fine detail is the other key's, whole, for two keys' strokes don't add up to one; what is coarser goes over softly from
the mask's border inwards. As detail is joined in propagate/cpu/strokes.

    own picture   detail ▒▒▒▒▒▒|▓▓▓▓▓▓▓   carried picture
                  coarse ▒▒▒▒▒▒|/-´▓▓▓▓
                         mask's border
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.consistency.clean_mask import clean_mask
from restrip.looks.diffusion.consistency.key_motion import Floats, Motion, carried

Bytes = npt.NDArray[np.uint8]

# Finer than this is detail, in pixels.
FINE_PX = 2.0

# From so far inside the mask, over so many pixels, coarse things go over, and detail does.
FROM_PX, SOFT_PX, CRISP_PX = 1.0, 6.0, 4.0

# Pixels that the motion moves apart for each pixel of the picture: from the first to the second a place is torn.
TORN = (0.8, 1.6)

# All pixels around one, without itself.
AROUND = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.uint8)


@dataclass(frozen=True, eq=False)
class ShownPicture:
    """Another key's picture [h, w, 3] in 0..1, the motion from here to it, and how much of it is taken, 0..1."""

    picture: Floats
    motion: Motion
    strength: float


def fused(picture: Floats, frame: Bytes, layers: Sequence[ShownPicture], matte: Floats | None = None) -> Floats:
    """`picture` [h, w, 3] in 0..1 of `frame` (uint8) with what other keys show of it, the last of `layers` on top.

    Nothing is put where `matte` [h, w] is 0.
    """
    for layer in layers:
        mask = np.pad(clean_mask(frame, layer.motion), 1, mode="edge")
        inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1] - FROM_PX
        part = layer.strength if matte is None else layer.strength * matte
        torn = _torn(layer.motion.flow)
        coarse, fine = _parted(picture)
        their_coarse, their_fine = _parted(_mended(carried(layer.picture, layer.motion.flow), torn))
        soft, crisp = part * _rising(inside / SOFT_PX), part * _rising(inside / CRISP_PX)
        joined = coarse + soft[..., None] * (their_coarse - coarse) + fine + crisp[..., None] * (their_fine - fine)
        seam = (soft > 0) & ((inside < SOFT_PX + 2) | (torn > 0))
        picture = np.where(seam[..., None], _without_specks(joined), joined)
    return picture


def _parted(picture: Floats) -> tuple[Floats, Floats]:
    coarse = cv2.GaussianBlur(picture, (0, 0), FINE_PX)
    return coarse, picture - coarse


def _rising(part: Floats) -> Floats:
    part = np.clip(part, 0, 1)
    smooth: Floats = part * part * (3 - 2 * part)
    return smooth


def _torn(flow: Floats) -> Floats:
    """Where a motion [h, w, 2] tears what it carries, 0..1."""
    across, down = (np.square(cv2.Sobel(flow, -1, 1 - d, d, scale=1 / 8)).sum(2) for d in (0, 1))
    stretch = cv2.dilate(cv2.GaussianBlur(np.sqrt(across + down), (0, 0), 1.5), np.ones((5, 5), np.uint8))
    return cv2.GaussianBlur(np.clip((stretch - TORN[0]) / (TORN[1] - TORN[0]), 0, 1), (0, 0), 1)


def _mended(carried_picture: Floats, torn: Floats) -> Floats:
    """Without the frayed edges that pixels from here and there make where the motion is torn."""
    return carried_picture + torn[..., None] * (cv2.medianBlur(carried_picture, 5) - carried_picture)


def _without_specks(picture: Floats) -> Floats:
    """No pixel brighter or darker than all around it."""
    return np.clip(picture, cv2.erode(picture, AROUND), cv2.dilate(picture, AROUND))
