"""What a prediction of the style is worth: how well the same prediction rebuilds the source."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FLOOR = 30.0  # squared code values; below it errors are noise


def weight_of(error: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """[H, W] float32 from the local squared error in code values: 1 where it is 0, falling with its square."""
    w = FLOOR / (error + FLOOR)
    return w * w
