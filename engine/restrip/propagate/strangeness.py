"""How strange two keys are to each other in detail: whether what lies between them is to be averaged or shown whole.

Keys of a look that is a filter of the frame agree wherever both are known: one carried to the other differs little
from it. Strokes that live on their own differ as much as strangers do.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import StyledKey

ALIKE, STRANGE = 0.16, 0.20  # filters of the frame come to .01 to .14, diffused looks to .26, painted ones to .7
DETAIL = 5.0  # pixels; coarser colour doesn't count
KNOWN = 0.1  # places that are worth less don't either
PLAIN = 3.0  # squared code values, three channels: less detail is none

Pixels = npt.NDArray[np.float32]


def strangeness_of(left: StyledKey, style: Pixels, errors: Pixels) -> float:
    """The energy of the difference of both keys' details over the sum of their energies, 0 (the same) to 1 and above.

    `style` [H, W, 3] float32, in 16-bit code values, is the right key carried to the left one's frame along the motion,
    `errors` [H, W] float32 how badly that rebuilds the frame, squared.
    """
    worth = weight_of(errors)
    worth[worth <= KNOWN] = 0
    a = left.picture.with_depth(True).rgb.astype(np.float32)
    a, b = (_detail(picture * np.float32(1 / CODE)) for picture in (a, style))
    both = np.square(a) + np.square(b)
    known = float(worth.sum())
    return float(np.einsum("yx,yxc->", worth, np.square(a - b))) / (
        float(np.einsum("yx,yxc->", worth, both)) + PLAIN * known + 1e-6
    )


def crispness(strange: float, asked: str) -> float:
    """How far strokes are kept whole, 0..1, at such a strangeness; `asked` is "auto", "crisp" or "smooth"."""
    if asked != "auto":
        return 1.0 if asked == "crisp" else 0.0
    over = min(max((strange - ALIKE) / (STRANGE - ALIKE), 0.0), 1.0)
    return over * over * (3 - 2 * over)


def _detail(picture: Pixels) -> Pixels:
    return picture - cv2.GaussianBlur(picture, (0, 0), DETAIL)
