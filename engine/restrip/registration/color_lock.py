"""A cast that another program laid over a whole key, found where the key was meant to stay, and taken away."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, Picture, empty_picture

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LONG_SIDE_PX = 320
ROUNDS = 30
LEAST_SPREAD = 1.5 / 255
"""What a picture that came back differs by where nothing was changed, beside the cast."""

ENOUGH = 0.3
"""Of the picture must follow one cast: else what is new is the look, and not a cast."""

LEAST_CAST = 0.5 / 255


def without_cast(key: Frame, frame: Frame) -> tuple[Frame, str]:
    """The key without the cast, and a note when none could be told from the change."""
    found = cast_of(key, frame)
    if found is None:
        return key, "Colour lock: too little of the picture stayed as it was to tell a cast from the change."
    linear, offset = found
    values = key.rgb.astype(np.float32) / key.white
    undo = np.linalg.inv(linear)
    clean = cv2.transform(values, np.hstack([undo, -(undo @ offset)[:, None]]).astype(np.float32))
    if float(np.abs(clean - values).mean()) < LEAST_CAST:
        return key, ""
    return Frame(coded(clean, key), key.alpha), ""


def coded(values: Floats, like: Frame) -> Picture:
    """0..1 as code values of a frame's depth, clipped and rounded."""
    made = empty_picture(values.shape, like.deep)
    made[...] = np.rint(np.clip(values, 0, 1) * like.white)
    return made


def cast_of(key: Frame, frame: Frame) -> tuple[Doubles, Doubles] | None:
    """The cast [3, 3] and [3] for which key = cast @ frame + offset wherever the key wasn't changed; None for none.

    Least squares in which what fits badly counts ever less (Geman and McClure 1985, graduated as in Blake and
    Zisserman 1987), so that up to two thirds of the picture may be new.
    """
    ours, theirs = (_low(picture) for picture in (frame, key))
    design = np.hstack([ours, np.ones((len(ours), 1))])
    prior = np.vstack([np.eye(3), np.zeros((1, 3))])
    ridge = 0.002 * len(ours) * np.diag([1.0, 1.0, 1.0, 0.02])
    cast = prior + np.vstack([np.zeros((3, 3)), np.median(theirs - ours, axis=0)])
    spread = 0.25
    for _ in range(ROUNDS):
        miss = np.linalg.norm(theirs - design @ cast, axis=1)
        weight = (1 / (1 + (miss / spread) ** 2) ** 2)[:, None]
        cast = np.linalg.solve(design.T @ (weight * design) + ridge, design.T @ (weight * theirs) + ridge @ prior)
        spread = max(LEAST_SPREAD * 2, spread * 0.8)
    miss = np.linalg.norm(theirs - design @ cast, axis=1)
    determinant = float(np.linalg.det(cast[:3]))
    if float((miss < 4 * LEAST_SPREAD).mean()) < ENOUGH or not 0.2 < determinant < 5:
        return None
    return cast[:3].T, cast[3]


def _low(picture: Frame) -> Doubles:
    """The colours of a picture, small and smooth, [N, 3] in 0..1; clipped ones say nothing, and are left in."""
    scale = min(1.0, LONG_SIDE_PX / max(picture.size))
    size = max(1, round(picture.size[0] * scale)), max(1, round(picture.size[1] * scale))
    small = cv2.resize(picture.rgb.astype(np.float32) / picture.white, size, interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(small, (0, 0), 1.0).reshape(-1, 3).astype(np.float64)
