"""The frame's own pixels in a key, wherever the key was meant to be the frame."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, empty_picture
from restrip.registration.color_lock import without_cast

Floats = npt.NDArray[np.float32]

CHANGED, SURELY = 5.0 / 255, 14.0 / 255
"""What a pixel differs by, smoothed: what exceeds the first is changed if it touches what exceeds the second."""

GROW, SOFT = 0.004, 0.014
"""Of the picture's long side: so far around a change it is still the key, then it fades."""

MOST_CHANGED = 0.97


def put_back(key: Frame, frame: Frame) -> tuple[Frame, str]:
    """The key with the frame's pixels, to the bit, away from what was changed; and a note when nothing could be."""
    share = changed(key, frame)
    if float((share > 0).mean()) > MOST_CHANGED:
        return key, "Put back: the whole picture was changed, so nothing of the frame is put back."
    part = share[..., None]
    rgb = empty_picture(key.rgb.shape, key.deep)
    rgb[...] = np.where(part == 0, frame.rgb, np.rint(part * key.rgb + (1 - part) * frame.rgb.astype(np.float32)))
    return Frame(rgb, key.alpha), ""


def changed(key: Frame, frame: Frame) -> Floats:
    """Where the key was changed, [H, W] in 0..1 with soft borders; 0 is the frame. A cast over all is no change."""
    plain, _ = without_cast(key, frame)
    long_side = max(frame.size)
    ours, theirs = (picture.rgb.astype(np.float32) / key.white for picture in (frame, plain))
    sigma = max(1.0, long_side / 500)
    low = np.abs(cv2.GaussianBlur(theirs - ours, (0, 0), sigma)).max(-1)
    differs = (low > CHANGED).astype(np.uint8)
    _, labels = cv2.connectedComponents(differs, connectivity=8)
    sure = np.unique(labels[low > SURELY])
    mask = np.isin(labels, sure[sure > 0]).astype(np.uint8)
    if not mask.any():
        return np.zeros(mask.shape, np.float32)
    away = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    ramp = np.clip(1 - (away - GROW * long_side) / (SOFT * long_side), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)
