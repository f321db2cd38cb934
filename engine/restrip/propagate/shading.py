"""Light that changes after the key, carried over by the style's own slope against luma."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

STRENGTH = 0.7
REACH = 25.0  # larger differences are other content, not light
STEEPEST = 2.0
_LUMA = np.float32([[0.299, 0.587, 0.114]])


def slopes(source: npt.NDArray[np.uint8], style: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """How style [H, W, 3] (code values of 8 bit) follows luma around each pixel of the key: a guided filter's slope.

    He et al. 2010, equation 5, over 9x9.
    """
    luma = cv2.transform(source.astype(np.float32), _LUMA)

    def mean(x: npt.NDArray) -> npt.NDArray:
        return cv2.blur(x, (9, 9))

    centre = mean(luma)
    spread = mean(luma * luma) - centre * centre
    along = mean(style * luma[..., None]) - mean(style) * centre[..., None]
    return np.clip(along / (spread + 60.0)[..., None], -STEEPEST, STEEPEST)


def light(frame: npt.NDArray[np.uint8], rebuilt: npt.NDArray) -> npt.NDArray[np.float32]:
    """What is brighter in the frame than in its rebuilt twin, [H, W, 1] code values."""
    d = cv2.transform(frame.astype(np.float32) - rebuilt, _LUMA)
    return STRENGTH * np.clip(d, -REACH, REACH)[..., None]
