"""What a network's output means: the noise, the picture, the velocity of a diffusion, or that of a flow.

States are variance exploding for all families, x = z + sigma * noise, so that samplers, recovery, fusion and mattes
are shared. `scale(sigma)` is what a state is divided by to be what the network was trained on.

    all but flow  x / sqrt(sigma^2 + 1)       signal and noise on a circle
    flow          x / (sigma + 1)             = (1 - s) z + s noise with the time s = sigma / (sigma + 1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    ToNoise = Callable[[torch.Tensor, float, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Prediction:
    """`scale(sigma)` of the network's input, and `eps(x, sigma, output)`, the noise that it sees in x."""

    name: str
    scale: Callable[[float], float]
    eps: ToNoise


def _circle(sigma: float) -> float:
    return (sigma**2 + 1) ** 0.5


def _line(sigma: float) -> float:
    return sigma + 1


def _same(x: torch.Tensor, sigma: float, output: torch.Tensor) -> torch.Tensor:
    return output


def _from_v(x: torch.Tensor, sigma: float, output: torch.Tensor) -> torch.Tensor:
    """Salimans and Ho 2022, appendix D, in these variables."""
    return x * (sigma / (sigma**2 + 1)) + output / (sigma**2 + 1) ** 0.5


def _from_picture(x: torch.Tensor, sigma: float, output: torch.Tensor) -> torch.Tensor:
    return (x - output) / sigma


def _from_flow(x: torch.Tensor, sigma: float, output: torch.Tensor) -> torch.Tensor:
    """The output is noise - z (Liu et al. 2023): noise = x_s + (1 - s) output, with x_s = x / (sigma + 1)."""
    return (x + output) / (sigma + 1)


EPSILON = Prediction("epsilon", _circle, _same)
V = Prediction("v_prediction", _circle, _from_v)
SAMPLE = Prediction("sample", _circle, _from_picture)
FLOW = Prediction("flow", _line, _from_flow)
PREDICTIONS = {prediction.name: prediction for prediction in (EPSILON, V, SAMPLE, FLOW)}
