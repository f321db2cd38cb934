"""Brush strokes: a picture smoothed along them and sharpened across them.

Kyprianidis and Kang 2011, "Image and Video Abstraction by Coherence-Enhancing Filtering": the structure tensor says
which way a stroke runs; averaging along it removes the pixel grain that style networks leave and keeps every edge
(line integral convolution, Cabral and Leedom 1993); a shock filter (Osher and Rudin 1990) makes the edges crisp again.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_EDGE = cv2.BORDER_REFLECT


def structure_tensor(rgb: Floats, sigma_px: float) -> Floats:
    """[H, W, 3]: the summed gradients xx, xy, yy of `rgb` [H, W, 3] in 0..1, averaged over `sigma_px`."""
    dx = cv2.Sobel(rgb, -1, 1, 0, scale=1 / 8, borderType=_EDGE)
    dy = cv2.Sobel(rgb, -1, 0, 1, scale=1 / 8, borderType=_EDGE)
    tensor = np.stack([(dx * dx).sum(2), (dx * dy).sum(2), (dy * dy).sum(2)], axis=2)
    return cv2.GaussianBlur(tensor, (0, 0), sigma_px, borderType=_EDGE)


def across(tensor: Floats) -> tuple[Floats, Floats]:
    """The unit vector (x, y) across the strokes, [H, W] each: the tensor's direction of greatest change."""
    angle = np.arctan2(2 * tensor[..., 1], tensor[..., 0] - tensor[..., 2]) / 2
    return np.cos(angle), np.sin(angle)


def smooth_along(rgb: Floats, normal: tuple[Floats, Floats], sigma_px: float, step_px: float) -> Floats:
    """`rgb` [H, W, C] averaged along the strokes with a Gaussian of `sigma_px`, sampled every `step_px`.

    `normal` is the field of `across`. The average follows curved strokes and reaches two sigma to both sides.
    """
    height, width = rgb.shape[:2]
    at_x, at_y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    total, weights = rgb.copy(), 1.0
    for side in (1.0, -1.0):
        x, y = at_x, at_y
        go_x, go_y = -side * normal[1], side * normal[0]
        for step in range(1, round(2 * sigma_px / step_px) + 1):
            x, y = x + step_px * go_x, y + step_px * go_y
            weight = float(np.exp(-0.5 * (step * step_px / sigma_px) ** 2))
            total += weight * _sample(rgb, x, y)
            weights += weight
            go_x, go_y = _onward(go_x, go_y, _sample(normal[0], x, y), _sample(normal[1], x, y))
    return total / np.float32(weights)


def sharpen_across(rgb: Floats, normal: tuple[Floats, Floats], sigma_px: float, amount: float) -> Floats:
    """One shock step on `rgb` [H, W, 3] in 0..1: each side of an edge moves towards its own brightest or darkest.

    Edges are where the second derivative of luma across the stroke, at the scale `sigma_px`, changes its sign.
    """
    luma = cv2.GaussianBlur(rgb @ LUMA, (0, 0), sigma_px, borderType=_EDGE)
    dx = cv2.Sobel(luma, -1, 1, 0, scale=1 / 8, borderType=_EDGE)
    dy = cv2.Sobel(luma, -1, 0, 1, scale=1 / 8, borderType=_EDGE)
    dxx = cv2.Sobel(dx, -1, 1, 0, scale=1 / 8, borderType=_EDGE)
    dxy = cv2.Sobel(dx, -1, 0, 1, scale=1 / 8, borderType=_EDGE)
    dyy = cv2.Sobel(dy, -1, 0, 1, scale=1 / 8, borderType=_EDGE)
    x, y = normal
    bend = (x * x * dxx + 2 * x * y * dxy + y * y * dyy) * (sigma_px * sigma_px / 0.02)
    pull = amount * np.clip(bend, -1, 1)[..., None]
    square = np.ones((3, 3), np.uint8)
    darker, brighter = cv2.erode(rgb, square) - rgb, cv2.dilate(rgb, square) - rgb
    return rgb + np.where(pull > 0, pull * darker, -pull * brighter)


def _onward(go_x: Floats, go_y: Floats, normal_x: Floats, normal_y: Floats) -> tuple[Floats, Floats]:
    """The direction along the stroke whose normal is given, turned the way we come from."""
    turn = np.where(go_y * normal_x - go_x * normal_y >= 0, np.float32(1), np.float32(-1))
    x, y = -turn * normal_y, turn * normal_x
    length = np.sqrt(x * x + y * y) + np.float32(1e-6)
    return x / length, y / length


def _sample(picture: Floats, x: Floats, y: Floats) -> Floats:
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=_EDGE)
