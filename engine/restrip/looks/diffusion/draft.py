"""Drafts of diffusion keys: at half the working size, in few steps, from the same noise. Without torch.

            full                                  draft
size        768x432                               384x216: at a third most models' pictures fall apart
noise       96x54 numbers of the seed             the same, pooled to 48x27 (`seed_noise.pooled`)
sigmas      9.5  6.7  5.1  3.9 ... .1  0          6.7 ... a few down to 0

Pooled noise of the same variance hides more of a small picture than it did of the large one, for there an area's noise
averages out. So a draft begins with less of it. All the way down (by the shrinking) its keys would stay too near to the
frame; half of the way, in the logarithm, they lie as far from it as the full ones.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt

Size = tuple[int, int]
Sigmas = npt.NDArray[np.float64]

PART = 0.5
"""Of the working size, each way."""

MOST_OF_FEW = 4
"""Evaluations that a draft takes of a schedule with 12 to 16; of shorter ones a third, of longer ones a quarter."""


def draft_working_size(size: Size, multiple: int) -> Size:
    """(width, height) that the draft of keys made at `size` is made at, both multiples of `multiple`."""
    width, height = (min(side, max(multiple, round(side * PART / multiple) * multiple)) for side in size)
    return width, height


def draft_evaluations(count: int) -> int:
    """How many evaluations a draft takes where the full picture takes `count`."""
    return max(ceil(count / 4), min(MOST_OF_FEW, ceil(count / 3)))


def draft_sigmas(sigmas: Sigmas, part: float) -> Sigmas:
    """Of a walk's falling sigmas, the last of them its end, those of its draft; `part` is the draft's side of the full
    one. It begins at the root of `part` of the first one, and its steps are as long as its fewer steps ask for.
    """
    walked = sigmas[:-1]
    places, logs = np.arange(len(walked)), np.log(np.maximum(walked, 1e-12))
    begin = float(np.interp(-(logs[0] + np.log(part) / 2), -logs, places))
    wanted = np.linspace(begin, len(walked), draft_evaluations(len(walked)) + 1)[:-1]
    return np.append(np.exp(np.interp(wanted, places, logs)), sigmas[-1])
