"""Reading a picture between its pixels."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Code = TypeVar("Code", bound=np.generic)
Flow = npt.NDArray[np.float32]  # [H, W, 2], pixels: what shows at x, y lies at x + flow[..., 0], y + flow[..., 1]


@lru_cache(2)
def _places(h: int, w: int) -> Flow:
    return np.dstack(np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)))


def pull(picture: npt.NDArray[Code], flow: Flow, kernel: int = cv2.INTER_LINEAR) -> npt.NDArray[Code]:
    """`picture` [H, W] or [H, W, C] seen through `flow`; edges repeat. Returns the picture's type."""
    h, w = flow.shape[:2]
    at = flow + _places(h, w)
    return cv2.remap(picture, at, None, kernel, borderMode=cv2.BORDER_REPLICATE)


def taken(plane: npt.NDArray[np.float32], field: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """The numbers of a plane [H, W] at the places of a field [H, W, 2] (x, y), [H, W]; in a sixth of numpy's time."""
    return cv2.remap(plane, field, None, cv2.INTER_NEAREST)


def repeated(plane: npt.NDArray[np.float32], channels: int) -> npt.NDArray[np.float32]:
    """A plane [H, W] as each channel of [H, W, C]: numpy takes twice as long to go over it with a step of none."""
    return cv2.merge([plane] * channels)


def added(picture: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The sum of a picture's channels [H, W, C], [H, W]: to the bit what `sum(2)` gives, in a fifth of the time."""
    total = picture[..., 0] + picture[..., 1]
    for c in range(2, picture.shape[2]):
        total += picture[..., c]
    return total


def every_nth(picture: npt.NDArray[Code], n: int) -> npt.NDArray[Code]:
    """`picture[::n, ::n]` of a picture [H, W, C], contiguous; a pixel is copied as one number."""
    whole = np.ascontiguousarray(picture)
    pixels = whole.view(f"V{whole.itemsize * whole.shape[2]}")[..., 0]
    return np.ascontiguousarray(pixels[::n, ::n])[..., None].view(picture.dtype)


def local_error(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8], window: int = 7) -> npt.NDArray[np.float32]:
    """Squared difference of two [H, W, 3] pictures, summed over channels, mean over a window; [H, W]."""
    d = cv2.absdiff(a, b).astype(np.float32)
    np.multiply(d, d, out=d)
    return cv2.blur(cv2.transform(d, np.ones((1, 3), np.float32)), (window, window))
