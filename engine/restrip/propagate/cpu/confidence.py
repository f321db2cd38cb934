"""What a prediction of the style is worth: how well the same prediction rebuilds the source."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.energy.confidence import BLUR, FLOOR


def weight_of(errors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """[H, W] float32 from squared rebuild errors [H, W] in code values: 1 where nothing is wrong around a pixel.

    Falls with the square of the local error, so that the better of two predictions counts, and two good ones share.
    """
    w = cv2.GaussianBlur(errors, (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE)
    np.add(w, FLOOR, out=w)
    np.divide(FLOOR, w, out=w)
    return np.multiply(w, w, out=w)
