"""Light beyond white: brought down for the eyes of a look, and given back to what the look made.

    original ── divided by its gain ──► proxy 0..1 ── look, propagation ──► styled ── times the same gain ──► restored

The gain is 1 up to the knee, so there the styled picture is the result. Above it a pixel's gain is how much brighter
the original is than its proxy, as in pictures with gain maps (ISO 21496-1): two highlights that the look treats alike
keep their ratio, what it paints black is black, and its strokes have the contrast that they have elsewhere. Where the
look left a shape of the original out, the gain is smooth, or that shape would come back as a ghost.
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
MOST_GAIN = 4.0
LEAST_LIGHT = np.float32(1e-3)
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
SHAPE_REACH, GLOW_REACH = 4, 20
"""Within how many times `blur_px` a look keeps a shape or leaves it out, and how far the gain of one left out glows."""
DARK, FAINT = 0.02, 1e-4
"""Light below which contrast doesn't count, and contrast (squared) that is none."""
LEFT_OUT, HELD = 0.05, 0.35
"""Of a shape's contrast: what has less is left out, what has more is kept."""

UNLIKE = 0.5
"""How far the hues of a pixel and its proxy may be apart, of their luma, for what no proxy shows to come back."""


def gain_of(light: Floats) -> Floats:
    """[H, W, 1], from 1 on: how much brighter linear [H, W, 3] is than its proxy, by its brightest channel."""
    brightest = np.maximum(light.max(axis=-1, keepdims=True), KNEE)
    down = KNEE + (1 - KNEE) * np.log1p(SLOPE * (brightest - KNEE)) / np.log1p(SLOPE * (PEAK - KNEE))
    return (brightest / np.minimum(down, 1)).astype(np.float32)


def rolled(light: Floats) -> Floats:
    """Linear [H, W, 3], 1 being white, brought down to 0..1 with its hue; below the knee it is as it was."""
    return light / gain_of(light)


def restored(original: Floats, proxy: Floats, styled: Floats, *, blur_px: float) -> Floats:
    """The styled picture with the original's highlights, all linear [H, W, 3] of the same primaries.

    What the proxy couldn't show beside (colours that no display has) comes back where the look left the hue, in the
    strength that the look has within `blur_px`.
    """
    exact = gain_of(original)
    gain = exact
    if exact.max() > 1:
        shapes = _kept(proxy, styled, SHAPE_REACH * blur_px)
        glow = _soft(exact[..., 0], GLOW_REACH * blur_px)
        gain = (glow + shapes * (exact[..., 0] - glow))[..., None]
    made = styled * gain
    hidden = original - proxy * exact
    if np.abs(hidden).max() > LEAST_LIGHT:
        ours, theirs = _soft(styled @ LUMA, blur_px), _soft(proxy @ LUMA, blur_px)
        apart = np.abs(styled / (ours + LEAST_LIGHT)[..., None] - proxy / (theirs + LEAST_LIGHT)[..., None]).max(-1)
        alike = _soft(np.clip(1 - apart / UNLIKE, 0, 1), blur_px)
        strength = np.clip((ours + LEAST_LIGHT) / (theirs + LEAST_LIGHT), 0, MOST_GAIN) * alike
        made = made + hidden * strength[..., None]
    return np.asarray(made, np.float32)


def _kept(proxy: Floats, styled: Floats, reach: float) -> npt.NDArray[Any]:
    """Whether the styled picture has the proxy's contrast within `reach` pixels, [H, W] from 0, left out, to 1; where
    there is none it is kept.
    """
    lights = (np.log(np.maximum(picture @ LUMA, 0) + DARK) for picture in (proxy, styled))
    ours, theirs = (light - _level(light, reach) for light in lights)
    share = (_level(ours * theirs, reach) + FAINT) / (_level(ours * ours, reach) + FAINT)
    kept = np.clip((share - LEFT_OUT) / (HELD - LEFT_OUT), 0, 1)
    # What lies between the edges of a shape that was left out is left out, too.
    side = 4 * round(reach) + 1
    around = cv2.erode(kept, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.clip(_level(around, reach), 0, 1)


def _level(values: npt.NDArray[Any], reach: float) -> npt.NDArray[Any]:
    level: npt.NDArray[Any] = cv2.GaussianBlur(
        values.astype(np.float32), (0, 0), reach, borderType=cv2.BORDER_REPLICATE
    )
    return level


def _soft(values: Floats, reach: float) -> npt.NDArray[Any]:
    soft: npt.NDArray[Any] = cv2.GaussianBlur(
        np.maximum(values, 0).astype(np.float32), (0, 0), reach, borderType=cv2.BORDER_REPLICATE
    )
    return soft
