"""Samplers: the ways of taking noise out of a picture. One signature, one table.

`predict(x, i)` gives the noise-free picture that the model sees in x at sigmas[i] (it may change it: fusion), and
`fresh()` draws the next noise of every row. All states are variance exploding, x = z + sigma * noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from restrip.looks.diffusion.sampling.schedules import Sigmas

    Predict = Callable[[torch.Tensor, int], torch.Tensor]
    Fresh = Callable[[], torch.Tensor]
    Walk = Callable[[Predict, torch.Tensor, Sigmas, Fresh], torch.Tensor]


def euler(predict: Predict, x: torch.Tensor, sigmas: Sigmas, fresh: Fresh) -> torch.Tensor:
    """Euler steps along the probability flow (Karras et al. 2022, algorithm 1 without its second-order part).

    With DDIM's spacing this is DDIM at eta 0: both are the same step, written in x / sqrt(1 + sigma^2) there.
    """
    for i in range(len(sigmas) - 1):
        sigma, following = float(sigmas[i]), float(sigmas[i + 1])
        x = x + (x - predict(x, i)) * ((following - sigma) / sigma)
    return x


def euler_ancestral(predict: Predict, x: torch.Tensor, sigmas: Sigmas, fresh: Fresh) -> torch.Tensor:
    """Euler steps below the next sigma and fresh noise back up to it (Ho et al. 2020's sampling in these variables)."""
    for i in range(len(sigmas) - 1):
        sigma, following = float(sigmas[i]), float(sigmas[i + 1])
        up = min(following, math.sqrt(following**2 * (sigma**2 - following**2) / sigma**2))
        down = math.sqrt(max(following**2 - up**2, 0.0))
        x = x + (x - predict(x, i)) * ((down - sigma) / sigma)
        if following > 0:
            x = x + fresh() * up
    return x


def dpmpp_2m(predict: Predict, x: torch.Tensor, sigmas: Sigmas, fresh: Fresh) -> torch.Tensor:
    """DPM-Solver++ (2M) (Lu et al. 2022, algorithm 2), in lambda = -log sigma."""
    before = None
    for i in range(len(sigmas) - 1):
        sigma, following = float(sigmas[i]), float(sigmas[i + 1])
        clean = predict(x, i)
        if following == 0:
            x, before = clean, clean
            continue
        h = math.log(sigma / following)
        slope = clean
        if before is not None:
            ratio = h / (2 * math.log(float(sigmas[i - 1]) / sigma))
            slope = clean * (1 + ratio) - before * ratio
        x = x * (following / sigma) + slope * -math.expm1(-h)
        before = clean
    return x


def lcm(predict: Predict, x: torch.Tensor, sigmas: Sigmas, fresh: Fresh) -> torch.Tensor:
    """Consistency steps: straight to the picture, then fresh noise (Luo et al. 2023, algorithm 3).

    From the first of its 50 training steps on, the boundary weights differ from 0 and 1 by less than 1e-5: left out.
    """
    for i in range(len(sigmas) - 1):
        x = predict(x, i)
        if sigmas[i + 1] > 0:
            x = x + fresh() * float(sigmas[i + 1])
    return x


@dataclass(frozen=True)
class Sampler:
    """A walk and the spacing of its sigmas; `ancestral` ones add fresh noise, which undoes recovered noise.

    `snapped` ones ask the network at the nearest of the 50 steps that consistency models are distilled on.
    """

    walk: Walk
    spacing: str
    ancestral: bool = False
    snapped: bool = False


SAMPLERS = {
    "euler": Sampler(euler, "uniform"),
    "euler_a": Sampler(euler_ancestral, "uniform", ancestral=True),
    "dpmpp_2m_karras": Sampler(dpmpp_2m, "karras"),
    "ddim": Sampler(euler, "ddim"),
    "lcm": Sampler(lcm, "lcm", ancestral=True, snapped=True),
}
