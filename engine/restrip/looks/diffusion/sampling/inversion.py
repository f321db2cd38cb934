"""Noise recovered from a frame: the noise from which the sampler would make that frame ("img2img alternative test").

Sigmas ascend here, r_0 = 0 < r_1 < ... < r_N; eps(x, sigma) is the noise that the model sees, at CFG 1, with the
prompt of what the frame shows. States, `clean` ones and noise are latents, [rows, channels, h, w].
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch

from restrip.looks.diffusion.sampling.schedules import Sigmas

Eps = Callable[[torch.Tensor, float], torch.Tensor]


def exact(eps: Eps, clean: torch.Tensor, rising: Sigmas, iterations: int) -> torch.Tensor:
    """The state at the last sigma from which Euler's steps lead back to `clean`.

    Euler's step down from y at r_i is x = y - h eps(y, r_i): its inverse y = x + h eps(y, r_i) is solved by fixed-point
    iteration (Pan et al. 2023, section 3.2), begun where the last steps' noise leads.
    """
    x = clean
    slopes: list[torch.Tensor] = []
    for number in range(1, len(rising)):
        sigma, h = float(rising[number]), float(rising[number] - rising[number - 1])
        y = x
        if slopes:
            y = x + h * slopes[-1]
        if len(slopes) > 1:
            y = y + h * (slopes[-1] - slopes[-2]) * (h / float(rising[number - 1] - rising[number - 2]))
        y = _solved(eps, x, y, (sigma, h), iterations)
        slopes = [*slopes[-1:], (y - x) / h]
        x = y
    return x


def _solved(eps: Eps, x: torch.Tensor, guess: torch.Tensor, step: tuple[float, float], iterations: int) -> torch.Tensor:
    """y = x + h eps(y, sigma) for `step` = (sigma, h), from a guess.

    From the second try on each row goes along the secant through its last two (Walker and Ni 2011, with one step of
    memory), which keeps rows apart.
    """
    sigma, h = step
    y, last = guess, None
    for _ in range(iterations):
        new = x + h * eps(y, sigma)
        off = new - y
        following = new
        if last is not None:
            last_new, last_off = last
            change = off - last_off
            along = (off * change).flatten(1).sum(1) / (change * change).flatten(1).sum(1).clamp_min(1e-20)
            following = new - along[:, None, None, None] * (new - last_new)
        last, y = (new, off), following
    return y


def plain(eps: Eps, clean: torch.Tensor, rising: Sigmas) -> torch.Tensor:
    """Noise by A1111's rule without sigma adjustment, scaled to a spread of 1 for each row."""
    x = clean
    for low, high in pairwise(rising):
        x = x + eps(x, float(high)) * float(high - low)
    return x / x.flatten(1).std(dim=1)[:, None, None, None]


def adjusted(eps: Eps, clean: torch.Tensor, rising: Sigmas) -> torch.Tensor:
    """Noise by A1111's rule with sigma adjustment: the model is asked at the sigma where the step starts."""
    x = clean
    for low, high in pairwise(rising[1:]):
        x = x + eps(x, float(low)) * float(high - low)
    return x / float(rising[-1])
