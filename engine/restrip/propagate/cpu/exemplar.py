"""A key made ready for reading: its colours packed, its patches described, its style's slope against luma."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.propagate.cpu.descriptors import Descriptors, describe
from restrip.propagate.cpu.kernels.vote import EDGE, SLOPES
from restrip.propagate.cpu.shading import slopes


@dataclass(frozen=True, eq=False)
class Exemplar:
    """A key's source and style.

    `packed` is [H + 4, W + 4, 8] uint16: style (16 bit), source (8 bit), 64 x luma, 1; edges repeat, so that what reads
    a little outside need not look where it is. `described` is [H, W, 16] int16 of
    the source; `slopes` is [H, W, 3] int16, `SLOPES` to one of 16-bit style per code value of
    luma. `source` is [H, W, 3] uint8.
    """

    packed: npt.NDArray[np.uint16]
    described: Descriptors
    slopes: npt.NDArray[np.int16]
    source: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, source: Frame, picture: Frame) -> Exemplar:
        """Of the key's frame and its styled picture, of one size."""
        rgb, style = source.rgb8(), picture.rgb16()
        h, w = rgb.shape[:2]
        luma = cv2.transform(rgb.astype(np.float32), np.array([[0.299, 0.587, 0.114]], np.float32))
        packed = np.empty((h + 2 * EDGE, w + 2 * EDGE, 8), np.uint16)
        inner = packed[EDGE:-EDGE, EDGE:-EDGE]
        inner[..., :3], inner[..., 3:6] = style, rgb
        inner[..., 6] = np.rint(luma * 64)
        inner[..., 7] = 1
        packed[EDGE:-EDGE, :EDGE], packed[EDGE:-EDGE, -EDGE:] = inner[:, :1], inner[:, -1:]
        packed[:EDGE], packed[-EDGE:] = packed[EDGE], packed[-EDGE - 1]
        return cls(packed, describe(rgb), np.rint(slopes(luma, style) * SLOPES).astype(np.int16), rgb)
