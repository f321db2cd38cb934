"""What a pixel's neighbourhood looks like, in 16 numbers: patches are compared by them.

A 7x7 patch under a Gaussian window, projected on polynomials that are orthonormal under that window: ten of luma
(x^a y^b, a + b <= 3), three of each chroma (a + b <= 1). The squared distance of two descriptors is the windowed
squared difference of the patches without their finest noise, so one comparison reads 32 bytes instead of 147.

   luma    1 x y x2 xy y2 x3 x2y xy2 y3      chroma  1 x y | 1 x y
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.kernels.descriptors import opponents, project
from restrip.propagate.energy.descriptors import DETAIL, NUMBERS, polynomials

Descriptors = npt.NDArray[np.int16]  # [H, W, 16]


_BASIS = polynomials()
_SCALES = np.array([3**-0.5, 2**-0.5, 6**-0.5], np.float32)  # of luma and the two chroma: an orthonormal turn of RGB


def describe(rgb: npt.NDArray[np.uint8]) -> Descriptors:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8; edges repeat."""
    h, w = rgb.shape[:2]
    planes, out = np.empty((3, h, w), np.int16), np.empty((h, w, NUMBERS), np.int16)
    opponents(np.ascontiguousarray(rgb), planes)
    project(planes, _BASIS, _SCALES, np.float32(DETAIL), out)
    return out


class Described:
    """A frame [H, W, 3] uint8 whose descriptors are found when first asked for, once for all who compare it."""

    def __init__(self, frame: npt.NDArray[np.uint8]) -> None:
        self.frame = frame
        self._plain: Descriptors | None = None

    @property
    def plain(self) -> Descriptors:
        """Those of the frame as it is."""
        if self._plain is None:
            self._plain = describe(self.frame)
        return self._plain

    def lit(self, frame: npt.NDArray[np.uint8]) -> Descriptors:
        """Those of the frame in another light, or of the very frame."""
        return self.plain if frame is self.frame else describe(frame)
