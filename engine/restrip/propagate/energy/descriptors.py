"""What a patch is projected on: the basis of its descriptor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NUMBERS = 16
TAPS = 7
WINDOW = 1.5  # sigma of the patch's window, pixels
MEAN_GAIN = 10.0  # of the mean of a patch; differences of means of one code value count 3 x 100
DETAIL = 1.4  # how much more than the mean the shape of a patch counts


def polynomials() -> npt.NDArray[np.float32]:
    """[4, 7]: weights that project seven samples on polynomials of order 0 to 3, orthonormal under the window."""
    x = np.arange(TAPS) - TAPS // 2
    root = np.exp(-x * x / (4 * WINDOW * WINDOW))
    orthonormal, _ = np.linalg.qr(np.stack([x**n for n in range(4)], 1) * root[:, None])
    signs = np.sign(orthonormal[-1])
    basis = (orthonormal * signs * root[:, None]).T
    return (basis * np.sqrt(MEAN_GAIN) / basis[0].sum()).astype(np.float32)
