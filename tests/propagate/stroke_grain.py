"""Strokes that two keys paint differently."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (160, 120)


def grain(seed: int, strength: float = 24.0) -> np.ndarray:
    """Strokes around no colour, a few pixels wide, [H, W, 3] float32 code values."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (SIZE[1], SIZE[0])).astype(np.float32), (0, 0), 1.2)
    return np.clip(strength * noise / noise.std(), -110, 110)[..., None] * np.float32([1, 0.8, 0.6])
