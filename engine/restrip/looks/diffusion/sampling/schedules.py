"""Noise schedules: which amounts of noise a sampler walks through, and where img2img enters.

A picture's state is variance exploding, x = z + sigma * noise. A table of N steps has N + 1 sigmas, falling to the
last one (0, except for DDIM):

    sigmas   s_0 > s_1 > ... > s_start > ... > s_(N-1) > s_N
                                 |<-- m + 1 evaluations -->|      m = int(min(strength, .999) * N)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.backbones.family import counted_from_the_whole

Sigmas = npt.NDArray[np.float64]

TRAIN_STEPS = 1000

# The share of noise that a flow begins with lies between these: sigma 0.005 to 4095.
LEAST_SHARE, MOST_SHARE = 0.005, 1 - 2**-12


class NoiseSchedule(Protocol):
    """How a family's sigmas are laid out."""

    def table(self, spacing: str, steps: int) -> Sigmas:
        """[steps + 1] falling sigmas from the most noise on."""

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """The falling sigmas that img2img of that strength (0..1) walks through."""


@dataclass(frozen=True)
class Schedule:
    """The training schedule of a model (Ho et al. 2020, with Stable Diffusion's scaled linear betas)."""

    beta_start: float = 0.00085
    beta_end: float = 0.012
    log_sigmas: Sigmas = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        betas = np.linspace(self.beta_start**0.5, self.beta_end**0.5, TRAIN_STEPS) ** 2
        kept = np.cumprod(1 - betas)
        object.__setattr__(self, "log_sigmas", 0.5 * np.log((1 - kept) / kept))

    def sigma(self, t: npt.ArrayLike) -> Sigmas:
        """The sigma of training steps `t`, which may lie between two of them."""
        return np.exp(np.interp(np.asarray(t, dtype=np.float64), np.arange(TRAIN_STEPS), self.log_sigmas))

    def step(self, sigma: npt.ArrayLike) -> Sigmas:
        """The training step of `sigma`, between two of them where it must be; sigma 0 is step 0."""
        return np.interp(np.log(np.maximum(sigma, 1e-12)), self.log_sigmas, np.arange(TRAIN_STEPS))

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """The part of the table that img2img of that strength walks through."""
        return self.table(spacing, steps)[start_index(steps, strength) :]

    def table(self, spacing: str, steps: int) -> Sigmas:
        """[steps + 1] falling sigmas, spaced as `spacing` of SPACINGS says."""
        return SPACINGS[spacing](self, steps)


@dataclass(frozen=True)
class FlowSchedule:
    """Rectified flows (Liu et al. 2023): x_s = (1 - s) z + s noise, with times moved towards the noise by `shift`
    (Esser et al. 2024, section 5.3.2): s = shift u / (1 + (shift - 1) u) of times u that lie evenly.

    Here as everywhere states are z + sigma noise: sigma = s / (1 - s). Spacings of sigmas mean nothing to it.
    """

    shift: float = 1.0

    def table(self, spacing: str, steps: int) -> Sigmas:
        """[steps + 1] falling sigmas from (nearly) all noise to 0."""
        return self.sigmas(spacing, steps, 1.0)

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """[steps + 1] falling sigmas from s = `strength` on: all steps lie below it, so every strength is another."""
        return sigma_of_share(self.shares(steps, strength))

    def shares(self, steps: int, strength: float) -> Sigmas:
        """The same as shares s of noise, from `strength` to 0."""
        start = min(max(strength, LEAST_SHARE), 1.0)
        u = np.linspace(start / (self.shift - (self.shift - 1) * start), 0, steps + 1)
        return self.shift * u / (1 + (self.shift - 1) * u)


def sigma_of_share(share: npt.ArrayLike) -> Sigmas:
    """sigma = s / (1 - s) of shares of noise 0..1; nothing but noise counts as very little picture."""
    s = np.minimum(np.asarray(share, dtype=np.float64), MOST_SHARE)
    return s / (1 - s)


def _uniform(schedule: Schedule, steps: int) -> Sigmas:
    return np.append(schedule.sigma(np.linspace(TRAIN_STEPS - 1, 0, steps)), 0)


def _karras(schedule: Schedule, steps: int) -> Sigmas:
    """Karras et al. 2022, equation 5, rho = 7."""
    low, high = np.exp(schedule.log_sigmas[[0, -1]] / 7)
    return np.append((high + np.linspace(0, 1, steps) * (low - high)) ** 7, 0)


def _trailing(schedule: Schedule, steps: int) -> Sigmas:
    """Equal parts counted from the noisy end, as distilled models are trained (A1111: SGM uniform)."""
    return np.append(schedule.sigma(np.linspace(TRAIN_STEPS - 1, 0, steps + 1)[:-1]), 0)


def _lcm(schedule: Schedule, steps: int) -> Sigmas:
    """Between the ends of the 50 steps that consistency models are distilled on (Luo et al. 2023)."""
    return np.append(schedule.sigma(np.linspace(TRAIN_STEPS - 1, TRAIN_STEPS // 50 - 1, steps)), 0)


def _ddim(schedule: Schedule, steps: int) -> Sigmas:
    """Every (1000 // steps)-th step, from 1; the last state keeps step 0's noise (Song et al. 2021)."""
    steps = min(steps, TRAIN_STEPS)
    t = np.minimum(np.arange(steps) * (TRAIN_STEPS // steps) + 1, TRAIN_STEPS - 1)
    return np.append(schedule.sigma(t[::-1]), schedule.sigma(0))


SPACINGS = {"uniform": _uniform, "karras": _karras, "trailing": _trailing, "lcm": _lcm, "ddim": _ddim}


def start_index(steps: int, strength: float) -> int:
    """Where in a table img2img enters, as A1111 counts: int(min(strength, .999) * steps) + 1 evaluations are left."""
    return steps - counted_from_the_whole(steps, strength)
