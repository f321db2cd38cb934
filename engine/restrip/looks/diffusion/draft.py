"""Drafts of diffusion keys: the full picture's working size and noise, in few steps. Without torch.

            full                                  draft
size        768x432                               the same: kept small when it is finished
noise       that of the seed                      the same
sigmas      9.5  6.7  5.1  3.9 ... .1  0          9.5 ... a few down to 0

A model paints textures and strokes of so many pixels, whatever the picture's size: in a smaller one they are larger
beside what it shows, and other ones. So what is saved is evaluations, of which the first decide what a picture shows.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import numpy.typing as npt

Sigmas = npt.NDArray[np.float64]

SHORTER = 8
"""How many times fewer evaluations a draft takes of a long schedule."""

LEAST_OF_MANY = 3
"""Evaluations that a draft takes at least, of few steps a third: with two the colours of guidance run wild."""

SLOWER_AT_FIRST = 1.5
"""How steps lengthen; 1 is evenly. Correlation with the full pictures: 1 .952 (the least .87), 1.5 .966 (.93)."""


def draft_evaluations(count: int) -> int:
    """How many evaluations a draft takes where the full picture takes `count`."""
    return max(ceil(count / SHORTER), min(LEAST_OF_MANY, ceil(count / 3)))


def draft_sigmas(sigmas: Sigmas) -> Sigmas:
    """Of a walk's falling sigmas, the last of them its end, those of its draft: from the first one to the end, in steps
    as long as its fewer steps ask for, the first of them shorter.
    """
    walked = sigmas[:-1]
    places, logs = np.arange(len(walked)), np.log(np.maximum(walked, 1e-12))
    wanted = len(walked) * np.linspace(0, 1, draft_evaluations(len(walked)) + 1)[:-1] ** SLOWER_AT_FIRST
    return np.append(np.exp(np.interp(wanted, places, logs)), sigmas[-1])
