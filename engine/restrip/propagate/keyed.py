"""A key made ready for reading: its colours packed, its patches described, its style's slope against luma."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.propagate.describe import Descriptors, describe
from restrip.propagate.shading import slopes

CODE = 257.0  # style is read in 16-bit code values


@dataclass(frozen=True, eq=False)
class KeyPicture:
    """A key's source and style.

    `packed` is [H, W, 8] uint16: style (16 bit), source (8 bit), 64 x luma, 1. `described` is [H, W, 16] int16 of
    the source; `slopes` is [H, W, 3] float32, 16-bit style per code value of luma. `small` is the source at a few
    blocks a side, for exposure.
    """

    packed: npt.NDArray[np.uint16]
    described: Descriptors
    slopes: npt.NDArray[np.float32]
    source: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, source: Frame, picture: Frame) -> KeyPicture:
        """Of the key's frame and its styled picture, of one size."""
        rgb, style = source.rgb8(), picture.with_depth(True).rgb
        h, w = rgb.shape[:2]
        luma = cv2.transform(rgb.astype(np.float32), np.float32([[0.299, 0.587, 0.114]]))
        packed = np.empty((h, w, 8), np.uint16)
        packed[..., :3], packed[..., 3:6] = style, rgb
        packed[..., 6] = np.rint(luma * 64)
        packed[..., 7] = 1
        return cls(packed, describe(rgb), slopes(luma, style), rgb)
