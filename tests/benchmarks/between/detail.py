"""How crisp: the energy of the fine band, relative to the keys'."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from between.footage import Picture

FINE, COARSE = 0.7, 2.0
"""The fine band is the difference of two Gaussians of these sigmas, in pixels."""


def band_energy(picture: Picture) -> float:
    """Mean energy of the fine band, in squared code values, all channels together."""
    values = picture.astype(np.float32)
    band = cv2.GaussianBlur(values, (0, 0), FINE) - cv2.GaussianBlur(values, (0, 0), COARSE)
    return float(np.mean((band**2).sum(2)))


def crispness(pictures: Sequence[Picture]) -> dict[str, float]:
    """Of pictures from key to key: the band over the gap and in its five middle frames, and how far a key stands out.

    "band" and "mid" are shares of what the keys' own energies come to there in proportion; "pop" is the energy of a key
    over its neighbour's, of the key where that is more.
    """
    energy = np.array([band_energy(picture) for picture in pictures])
    last = len(energy) - 1
    share = energy / np.interp(np.arange(last + 1), [0, last], energy[[0, last]])
    middle = (last + 1) // 2
    return {
        "band": float(share[1:-1].mean()),
        "mid": float(share[middle - 2 : middle + 3].mean()),
        "pop": float(max(energy[0] / energy[1], energy[-1] / energy[-2])),
    }
