"""Pictures by OpenCV: deep TIFF, and what Pillow doesn't know."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame

Array = npt.NDArray[Any]


def decoded(raw: bytes, path: str) -> Array:
    """A picture as it is stored, [H, W] or [H, W, C] in the order B, G, R, A. Raises MediaUnreadable."""
    try:
        picture: Array | None = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise MediaUnreadable(path, "the picture is too large or damaged") from error
    if picture is None:
        raise MediaUnreadable(path, "it is no picture, or a damaged one")
    return picture


def frame_of(picture: Array, path: str) -> Frame:
    """A decoded picture of 8 or 16 bit, or of floats from black at 0 to white at 1. Raises MediaUnreadable."""
    if picture.dtype in (np.float32, np.float64):
        picture = np.rint(np.clip(np.nan_to_num(picture), 0, 1) * 65535).astype(np.uint16)
    if picture.dtype not in (np.uint8, np.uint16):
        raise MediaUnreadable(path, f"its values are {picture.dtype}", "Save it with 8 or 16 bit a channel.")
    if picture.ndim == 2:
        picture = picture[..., None]
    channels = picture.shape[2]
    if channels not in (1, 2, 3, 4):
        raise MediaUnreadable(path, f"it has {channels} channels", "Save it as RGB or RGBA.")
    rgb = np.repeat(picture[..., :1], 3, axis=2) if channels < 3 else picture[..., 2::-1]
    alpha = picture[..., -1] if channels in (2, 4) else None
    return Frame(np.ascontiguousarray(rgb), None if alpha is None else np.ascontiguousarray(alpha))
