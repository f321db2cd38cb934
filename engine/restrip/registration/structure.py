"""What two pictures of one scene share when their colours differ: where edges are, and how they lie."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

GRADIENT_SIGMA = 1.0
COMPRESS = 0.5
"""Power that edges' strengths are raised to: a style makes one edge ten times as strong as the next."""

AROUND = 20
"""Pixels over which strengths are brought to one level, so that a bright corner doesn't decide alone."""

FLOOR = 0.35

FLAT = 1e-3
"""Of light a pixel: what rises less has no direction."""


def structure_of(rgb: npt.NDArray[np.uint8]) -> Floats:
    """Edges of a picture [H, W, 3] uint8 by strength and by direction without sign, [H, W, 3] float32, each about 1.

    The tensor of the colours' gradients (Di Zenzo 1986) doesn't tell a dark line on light from a light one on dark, nor
    red beside green from light beside dark.
    """
    smooth = cv2.GaussianBlur(rgb.astype(np.float32) / 255, (0, 0), GRADIENT_SIGMA, borderType=cv2.BORDER_REPLICATE)
    gx = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32, borderType=cv2.BORDER_REPLICATE)
    gy = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32, borderType=cv2.BORDER_REPLICATE)
    xx, yy, xy = (gx * gx).sum(-1), (gy * gy).sum(-1), (gx * gy).sum(-1)
    power = xx + yy + 1e-8
    strength = power ** (COMPRESS / 2)
    direction = strength / power
    found = np.dstack([strength, (xx - yy) * direction, 2 * xy * direction])
    found[..., 0] -= cv2.blur(strength, (2 * AROUND + 1,) * 2)
    level = np.sqrt(cv2.blur(strength * strength, (4 * AROUND + 1,) * 2))
    whole = float(np.sqrt((strength * strength).mean())) + 1e-6
    return np.ascontiguousarray(found / (level + FLOOR * whole)[..., None], np.float32)


def lighter_of(rgb: npt.NDArray[np.uint8]) -> Floats:
    """Which way a picture [H, W, 3] uint8 grows lighter, [H, W, 2] float32, of length 1 at edges."""
    light = cv2.GaussianBlur(rgb.astype(np.float32).mean(-1) / 255, (0, 0), GRADIENT_SIGMA)
    slopes = np.dstack([cv2.Scharr(light, cv2.CV_32F, x, 1 - x, scale=1 / 32) for x in (1, 0)])
    length = np.sqrt(np.square(slopes).sum(-1, keepdims=True))
    return np.asarray(slopes / (length + FLAT), np.float32)
