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

NUMBERS = 16
TAPS = 7
WINDOW = 1.5  # sigma of the patch's window, pixels
MEAN_GAIN = 10.0  # of the mean of a patch; differences of means of one code value count 3 x 100
DETAIL = 1.4  # how much more than the mean the shape of a patch counts

Descriptors = npt.NDArray[np.int16]  # [H, W, 16]


def polynomials() -> npt.NDArray[np.float32]:
    """[4, 7]: weights that project seven samples on polynomials of order 0 to 3, orthonormal under the window."""
    x = np.arange(TAPS) - TAPS // 2
    root = np.exp(-x * x / (4 * WINDOW * WINDOW))
    orthonormal, _ = np.linalg.qr(np.stack([x**n for n in range(4)], 1) * root[:, None])
    signs = np.sign(orthonormal[-1])
    basis = (orthonormal * signs * root[:, None]).T
    return (basis * np.sqrt(MEAN_GAIN) / basis[0].sum()).astype(np.float32)


_BASIS = polynomials()


def describe(rgb: npt.NDArray[np.uint8]) -> Descriptors:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8; edges repeat."""
    h, w = rgb.shape[:2]
    out = np.empty((h, w, NUMBERS), np.int16)
    _describe(np.ascontiguousarray(rgb), _BASIS, np.float32(DETAIL), out)
    return out


@njit(parallel=True, boundscheck=False, cache=True, nogil=True, fastmath=True)
def _describe(rgb, basis, detail, out):
    h, w = out.shape[:2]
    half = TAPS // 2
    for row in prange(h):
        y = np.int64(row)
        # Down the columns first: luma in four orders, each chroma in two, with room for the repeated edges.
        down = np.zeros((8, w + 2 * half), np.float32)
        for j in range(TAPS):
            sy = min(max(y + j - half, 0), h - 1)
            b0, b1, b2, b3 = basis[0, j], basis[1, j], basis[2, j], basis[3, j]
            for x in range(w):
                r, g, b = (np.float32(rgb[sy, x, 0]), np.float32(rgb[sy, x, 1]), np.float32(rgb[sy, x, 2]))
                luma = (r + g + b) * np.float32(0.57735027)
                blue = (r - b) * np.float32(0.70710678)
                green = (r - g - g + b) * np.float32(0.40824829)
                down[0, x + half] += b0 * luma
                down[1, x + half] += b1 * luma
                down[2, x + half] += b2 * luma
                down[3, x + half] += b3 * luma
                down[4, x + half] += b0 * blue
                down[5, x + half] += b1 * blue
                down[6, x + half] += b0 * green
                down[7, x + half] += b1 * green
        for k in range(8):
            for x in range(half):
                down[k, x] = down[k, half]
                down[k, w + half + x] = down[k, w + half - 1]
        number = 0
        for plane in range(8):
            # Luma of order b takes the orders a <= 3 - b across, chroma a <= 1 - b.
            order = plane if plane < 4 else plane & 1
            across = 4 - order if plane < 4 else 2 - order
            for a in range(across):
                weight = np.float32(1) if a + order == 0 else detail
                for x in range(w):
                    total = np.float32(0)
                    for i in range(TAPS):
                        total += basis[a, i] * down[plane, x + i]
                    out[y, x, number] = np.int16(round(weight * total))
                number += 1
