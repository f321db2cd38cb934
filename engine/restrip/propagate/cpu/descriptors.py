"""What a pixel's neighbourhood looks like, in 16 numbers: patches are compared by them.

A 7x7 patch under a Gaussian window, projected on polynomials that are orthonormal under that window: ten of luma
(x^a y^b, a + b <= 3), three of each chroma (a + b <= 1). The squared distance of two descriptors is the windowed
squared difference of the patches without their finest noise, so one comparison reads 32 bytes instead of 147.

   luma    1 x y x2 xy y2 x3 x2y xy2 y3      chroma  1 x y | 1 x y
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit, prange

from restrip.propagate.cpu.kernels.compiler import FAST
from restrip.propagate.energy.descriptors import DETAIL, NUMBERS, TAPS, polynomials

Descriptors = npt.NDArray[np.int16]  # [H, W, 16]


_BASIS = polynomials()
_SCALES = np.float32([3**-0.5, 2**-0.5, 6**-0.5])  # of luma and the two chroma: an orthonormal turn of RGB


def describe(rgb: npt.NDArray[np.uint8]) -> Descriptors:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8; edges repeat."""
    h, w = rgb.shape[:2]
    planes, out = np.empty((3, h, w), np.int16), np.empty((h, w, NUMBERS), np.int16)
    _opponents(np.ascontiguousarray(rgb), planes)
    _describe(planes, _BASIS, _SCALES, np.float32(DETAIL), out)
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


@njit(parallel=True, **FAST)
def _opponents(rgb, planes):
    """Luma, blue against red, and green against both, [3, H, W] int16, not yet of one scale (`_SCALES`)."""
    h, w = planes.shape[1:]
    for row in prange(h):
        y = np.int64(row)
        for x in range(w):
            r, g, b = np.int16(rgb[y, x, 0]), np.int16(rgb[y, x, 1]), np.int16(rgb[y, x, 2])
            planes[0, y, x] = r + g + b
            planes[1, y, x] = r - b
            planes[2, y, x] = r - g - g + b


@njit(**FAST)
def _project(weights, scale, rows, out):
    """Seven rows of samples by seven weights: into a row of float32."""
    a, b, c, d, e, f, g = rows
    s0, s1, s2, s3 = (weights[0] * scale, weights[1] * scale, weights[2] * scale, weights[3] * scale)
    s4, s5, s6 = weights[4] * scale, weights[5] * scale, weights[6] * scale
    for x in range(out.shape[0]):
        total = s0 * np.float32(a[x]) + s1 * np.float32(b[x]) + s2 * np.float32(c[x]) + s3 * np.float32(d[x])
        out[x] = total + s4 * np.float32(e[x]) + s5 * np.float32(f[x]) + s6 * np.float32(g[x])


@njit(**FAST)
def _describe_row(planes, basis, scales, detail, y, out):
    h, w = planes.shape[1:]
    half = TAPS // 2
    line, numbers = np.empty(w + 2 * half, np.float32), np.empty((NUMBERS, w), np.float32)
    number = 0
    for plane in range(8):  # luma in four orders down the columns, each chroma in two
        colour, order = (0, plane) if plane < 4 else (plane // 2 - 1, plane & 1)
        p = planes[colour]
        a, b, c = p[max(y - 3, 0)], p[max(y - 2, 0)], p[max(y - 1, 0)]
        e, f, g = p[min(y + 1, h - 1)], p[min(y + 2, h - 1)], p[min(y + 3, h - 1)]
        _project(basis[order], scales[colour], (a, b, c, p[y], e, f, g), line[half : half + w])
        line[:half], line[half + w :] = line[half], line[half + w - 1]
        # Luma of order b takes the orders a <= 3 - b across, chroma a <= 1 - b.
        shifted = line[0:], line[1:], line[2:], line[3:], line[4:], line[5:], line[6:]
        for across in range(4 - order if plane < 4 else 2 - order):
            _project(basis[across], np.float32(1) if across + order == 0 else detail, shifted, numbers[number])
            number += 1
    for x in range(w):
        for n in range(NUMBERS):
            out[x, n] = np.int16(np.rint(numbers[n, x]))


@njit(parallel=True, **FAST)
def _describe(planes, basis, scales, detail, out):
    for row in prange(out.shape[0]):
        _describe_row(planes, basis, scales, detail, np.int64(row), out[row])
