"""Noise recovered from a frame: the noise from which the sampler would make that frame ("img2img alternative test").

Sigmas ascend here, r_0 = 0 < r_1 < ... < r_N; eps(x, sigma) is the noise that the model sees, at CFG 1, with the
prompt of what the frame shows.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch

from restrip.looks.diffusion.schedule import Sigmas

Eps = Callable[[torch.Tensor, float], torch.Tensor]


def exact(eps: Eps, clean: torch.Tensor, rising: Sigmas, iterations: int) -> torch.Tensor:
    """The state at the last sigma from which Euler's steps lead back to `clean`.

    Euler's step down from y at r_i is x = y - h eps(y, r_i): its inverse y = x + h eps(y, r_i) is solved by fixed-point
    iteration (Pan et al. 2023, section 3.2). One iteration is A1111's plain rule.
    """
    x = clean
    for low, high in pairwise(rising):
        y = x
        for _ in range(iterations):
            y = x + eps(y, float(high)) * float(high - low)
        x = y
    return x


def plain(eps: Eps, clean: torch.Tensor, rising: Sigmas) -> torch.Tensor:
    """Noise by A1111's rule without sigma adjustment, scaled to a spread of 1 for each row."""
    x = exact(eps, clean, rising, 1)
    return x / x.flatten(1).std(dim=1)[:, None, None, None]


def adjusted(eps: Eps, clean: torch.Tensor, rising: Sigmas) -> torch.Tensor:
    """Noise by A1111's rule with sigma adjustment: the model is asked at the sigma where the step starts."""
    x = clean
    for low, high in pairwise(rising[1:]):
        x = x + eps(x, float(low)) * float(high - low)
    return x / float(rising[-1])
