"""Light beyond white: brought down for the eyes of a look, and given back to what the look made.

    original ── rolled ──► proxy 0..1 ── look, propagation ──► styled ──┐
        └──────────────── what the proxy lacks, times a smooth gain ────┴──► restored

Below the knee the proxy is the original, so there the styled picture is the result. Above it the result has as much
more light than the styled picture as the original has more than the proxy, in the styled picture's strength and hue:
two highlights that the look treats alike keep their ratio.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

KNEE = 0.8
PEAK = 64.0
"""Light that the proxy shows as white; diffuse white is 1."""
SLOPE = 39.0589
"""Makes the curve's slope 1 at the knee: (1 - KNEE) * SLOPE = log(1 + SLOPE * (PEAK - KNEE))."""


def rolled(light: Floats) -> Floats:
    """Linear [H, W, 3], 1 being white, brought down to 0..1 by its brightest channel, so that hues stay.

    What is nowhere above the knee is as it was.
    """
    brightest = light.max(axis=-1, keepdims=True)
    down = KNEE + (1 - KNEE) * np.log1p(SLOPE * np.maximum(brightest - KNEE, 0)) / np.log1p(SLOPE * (PEAK - KNEE))
    return np.where(brightest > KNEE, light * (np.minimum(down, 1) / np.maximum(brightest, KNEE)), light).astype(
        np.float32
    )


def restored(original: Floats, proxy: Floats, styled: Floats, *, blur_px: float) -> Floats:
    """The styled picture with the original's highlights, all linear [H, W, 3] of the same primaries.

    `blur_px` is the reach over which strokes don't count.
    """
    lacks = original - proxy
    if not lacks.any():
        return styled
    if blur_px <= 0:
        gain = (styled + EVEN) / (proxy + EVEN)
    else:
        gain = (_soft(styled, blur_px) + EVEN) / (_soft(proxy, blur_px) + EVEN)
    return (styled + np.clip(gain, 0, MOST_GAIN) * lacks).astype(np.float32)


EVEN = np.float32(0.02)
"""Light that is added to both sides of a ratio, so that near black it goes to 1."""
MOST_GAIN = np.float32(4.0)


def _soft(values: Floats, reach: float) -> npt.NDArray[Any]:
    soft: npt.NDArray[Any] = cv2.GaussianBlur(np.maximum(values, 0), (0, 0), reach, borderType=cv2.BORDER_REPLICATE)
    return soft
