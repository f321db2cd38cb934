"""CIE L*a*b* as documents of Photoshop and TIFFs store it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from restrip.media.curves import srgb_coded
from restrip.media.primaries import D50_XYZ, from_d50

Floats = npt.NDArray[np.float32]


def as_srgb(values: Floats) -> Floats:
    """CIE L*a*b* [H, W, 3] under D50, L in 0..1, its a and b around 128 of 255, as sRGB in 0..1."""
    steps = 255 / np.float32(1)
    lightness = (values[..., 0] * 100 + 16) / 116
    red, blue = lightness + (values[..., 1] * steps - 128) / 500, lightness - (values[..., 2] * steps - 128) / 200
    xyz = np.stack([red, lightness, blue]).reshape(3, -1)
    light = np.where(xyz > 6 / 29, xyz**3, 3 * (6 / 29) ** 2 * (xyz - 4 / 29)) * D50_XYZ[:, None]
    rgb = np.clip(from_d50(light), 0, 1).T.reshape(values.shape)
    coded: Floats = srgb_coded(rgb).astype(np.float32)
    return coded
