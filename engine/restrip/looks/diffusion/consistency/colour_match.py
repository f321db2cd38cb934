"""A key's colours brought to the anchor's, judged on what both show."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Less than this share of the picture in common says nothing about its colours.
LEAST_SEEN = 0.05

# Contrast is changed by no more than this factor.
MOST_GAIN = 1.25


def matched(picture: Floats, anchor: Floats, seen: Floats, strength: float) -> Floats:
    """`picture` with the mean and spread in CIE Lab of `anchor` over `seen` (Reinhard et al. 2001, in Lab).

    Both are [H, W, 3] float32 in 0..1, sRGB-coded, the anchor's warped to the picture; `seen` [H, W] weighs.
    """
    if strength <= 0 or seen.mean() < LEAST_SEEN:
        return picture
    own, model = (cv2.cvtColor(np.clip(values, 0, 1), cv2.COLOR_RGB2LAB) for values in (picture, anchor))
    weight = seen[..., None] / seen.sum()
    own_mean, model_mean = ((values * weight).sum((0, 1)) for values in (own, model))
    own_std, model_std = (
        np.sqrt(((values - mean) ** 2 * weight).sum((0, 1))) for values, mean in ((own, own_mean), (model, model_mean))
    )
    gain = np.clip((model_std + 0.5) / (own_std + 0.5), 1 / MOST_GAIN, MOST_GAIN)
    changed = cv2.cvtColor(((own - own_mean) * gain + model_mean).astype(np.float32), cv2.COLOR_LAB2RGB)
    return (picture + strength * (changed - picture)).astype(np.float32)
