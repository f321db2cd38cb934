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

from restrip.looks.diffusion.backbones.family import counted_as_ddim, counted_from_the_whole

Sigmas = npt.NDArray[np.float64]

TRAIN_STEPS = 1000
LCM_STEPS = np.arange(TRAIN_STEPS // 50 - 1, TRAIN_STEPS, TRAIN_STEPS // 50)

# The share of noise that a flow begins with lies between these: sigma 0.005 to 16383. Beyond, so large a state loses as
# much by rounding as the little picture in it would change.
LEAST_SHARE, MOST_SHARE = 0.005, 1 - 2**-14


# Of a picture that is all noise so much is thought to be left: sigma 4096, as diffusers has it.
LEAST_KEPT = 2.0**-24


def _scaled_linear(start: float, end: float) -> Sigmas:
    return np.linspace(start**0.5, end**0.5, TRAIN_STEPS) ** 2


def _linear(start: float, end: float) -> Sigmas:
    return np.linspace(start, end, TRAIN_STEPS)


def _cosine(start: float, end: float) -> Sigmas:
    """Nichol and Dhariwal 2021, equation 17; it has ends of its own."""
    kept = np.cos((np.arange(TRAIN_STEPS + 1) / TRAIN_STEPS + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - kept[1:] / kept[:-1], 0.999)


BETAS = {"scaled_linear": _scaled_linear, "linear": _linear, "squaredcos_cap_v2": _cosine}


class NoiseSchedule(Protocol):
    """How a family's sigmas are laid out."""

    def table(self, spacing: str, steps: int) -> Sigmas:
        """[steps + 1] falling sigmas from the most noise on."""

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """The falling sigmas that img2img of that strength (0..1) walks through."""


@dataclass(frozen=True)
class Schedule:
    """The training schedule of a model (Ho et al. 2020): betas along `curve` of BETAS, Stable Diffusion's unless told.

    `zero_snr`: rescaled so that the last step is all noise (Lin et al. 2024, algorithm 1).
    """

    beta_start: float = 0.00085
    beta_end: float = 0.012
    curve: str = "scaled_linear"
    zero_snr: bool = False
    log_sigmas: Sigmas = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        kept = np.cumprod(1 - BETAS[self.curve](self.beta_start, self.beta_end))
        if self.zero_snr:
            root = np.sqrt(kept)
            kept = ((root - root[-1]) * (root[0] / (root[0] - root[-1]))) ** 2
            kept[-1] = LEAST_KEPT
        object.__setattr__(self, "log_sigmas", 0.5 * np.log((1 - kept) / kept))

    def sigma(self, t: npt.ArrayLike) -> Sigmas:
        """The sigma of training steps `t`, which may lie between two of them."""
        return np.exp(np.interp(np.asarray(t, dtype=np.float64), np.arange(TRAIN_STEPS), self.log_sigmas))

    def step(self, sigma: npt.ArrayLike) -> Sigmas:
        """The training step of `sigma`, between two of them where it must be; sigma 0 is step 0."""
        return np.interp(np.log(np.maximum(sigma, 1e-12)), self.log_sigmas, np.arange(TRAIN_STEPS))

    def snapped_step(self, sigma: float) -> float:
        """The nearest of the 50 steps that consistency models are distilled on."""
        return float(LCM_STEPS[np.abs(self.log_sigmas[LCM_STEPS] - np.log(sigma)).argmin()])

    def ddim(self, steps: int, strength: float) -> tuple[float, Sigmas]:
        """DDIM's way in, as A1111 has it: the sigma of the noise that is added, and the falling sigmas after it.

        Its steps are every (1000 // steps)-th from 1; the first evaluation is one step below the noise, and the last
        state keeps step 1's.
        """
        times = np.minimum(np.arange(0, TRAIN_STEPS, TRAIN_STEPS // min(steps, TRAIN_STEPS)) + 1, TRAIN_STEPS - 1)
        evaluations = counted_as_ddim(steps, strength)
        entry = float(self.sigma(times[min(evaluations + 1, len(times) - 1)]))
        falling = self.sigma(times[: evaluations + 1][::-1])
        return entry, falling if len(falling) > 1 else np.append(falling, self.sigma(0))

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """The part of the table that img2img of that strength walks through."""
        return self.table(spacing, steps)[start_index(steps, strength) :]

    def table(self, spacing: str, steps: int) -> Sigmas:
        """[steps + 1] falling sigmas, spaced as `spacing` of SPACINGS says."""
        return SPACINGS[spacing](self, steps)


@dataclass(frozen=True)
class EdmSchedule(Schedule):
    """Sigmas even in their logarithm between two ends; the network is told log(sigma) / 4 (Karras et al. 2022)."""

    sigma_min: float = 0.002
    sigma_max: float = 120.0

    def __init__(self, sigma_min: float = 0.002, sigma_max: float = 120.0) -> None:
        for name, value in (("sigma_min", sigma_min), ("sigma_max", sigma_max)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "log_sigmas", np.linspace(np.log(sigma_min), np.log(sigma_max), TRAIN_STEPS))

    def step(self, sigma: npt.ArrayLike) -> Sigmas:
        """What the network is told of `sigma`."""
        told: Sigmas = np.log(np.maximum(sigma, 1e-12)) / 4
        return told

    def snapped_step(self, sigma: float) -> float:
        """There are no such steps here."""
        return float(self.step(sigma))


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
    places = np.linspace(len(LCM_STEPS) - 1, 0, steps)
    return np.append(np.exp(np.interp(places, np.arange(len(LCM_STEPS)), schedule.log_sigmas[LCM_STEPS])), 0)


def _ddim(schedule: Schedule, steps: int) -> Sigmas:
    """Every (1000 // steps)-th step, from 1; the last state keeps step 0's noise (Song et al. 2021)."""
    steps = min(steps, TRAIN_STEPS)
    t = np.minimum(np.arange(steps) * (TRAIN_STEPS // steps) + 1, TRAIN_STEPS - 1)
    return np.append(schedule.sigma(t[::-1]), schedule.sigma(0))


SPACINGS = {"uniform": _uniform, "karras": _karras, "trailing": _trailing, "lcm": _lcm, "ddim": _ddim}


def start_index(steps: int, strength: float) -> int:
    """Where in a table img2img enters, as A1111 counts: int(min(strength, .999) * steps) + 1 evaluations are left."""
    return steps - counted_from_the_whole(steps, strength)
