from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from restrip.looks.diffusion.sampling.samplers import SAMPLERS, dpmpp_2m, euler
from restrip.looks.diffusion.sampling.schedules import Schedule

SPREAD = 0.5  # of the pictures of a model that knows the answer: normal numbers of this spread


def ideal(sigmas):
    """The best prediction for pictures drawn from a normal distribution."""
    return lambda x, i: x * (SPREAD**2 / (SPREAD**2 + float(sigmas[i]) ** 2))


def no_noise() -> torch.Tensor:
    raise AssertionError("a deterministic sampler drew noise")


def exact(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Where the probability flow of that model leads from x at sigma."""
    return x * (SPREAD / math.sqrt(SPREAD**2 + sigma**2))


@pytest.mark.parametrize(("walk", "limit"), [(euler, 0.1), (dpmpp_2m, 0.005)])
def test_deterministic_samplers_follow_the_flow(walk, limit: float) -> None:
    sigmas = Schedule().table("karras", 40)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * float(sigmas[0])
    error = (walk(ideal(sigmas), x, sigmas, no_noise) - exact(x, float(sigmas[0]))).norm()
    assert error / exact(x, float(sigmas[0])).norm() < limit


def test_second_order_is_much_better_than_first() -> None:
    sigmas = Schedule().table("karras", 40)
    x = torch.ones(1, 4, 2, 2) * 10
    truth = exact(x, float(sigmas[0]))
    assert (dpmpp_2m(ideal(sigmas), x, sigmas, no_noise) - truth).abs().max() < 0.1 * (
        euler(ideal(sigmas), x, sigmas, no_noise) - truth
    ).abs().max()


@pytest.mark.parametrize("name", ["euler_a", "lcm"])
def test_ancestral_samplers_keep_the_spread(name: str) -> None:
    sampler = SAMPLERS[name]
    sigmas = Schedule().table("karras", 200)
    noise = torch.Generator().manual_seed(1)
    x = torch.randn(1, 4, 64, 64, generator=noise) * float(sigmas[0])
    out = sampler.walk(ideal(sigmas), x, sigmas, lambda: torch.randn(x.shape, generator=noise))
    assert torch.isfinite(out).all()
    if name == "euler_a":
        assert float(out.std()) == pytest.approx(SPREAD, rel=0.04)


def test_one_euler_step_by_hand() -> None:
    x = torch.full((1, 1, 1, 1), 3.0)
    out = euler(lambda x, i: torch.full_like(x, 1.0), x, np.array([2.0, 0.5]), no_noise)
    assert float(out) == pytest.approx(3 + (3 - 1) / 2 * (0.5 - 2))


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_last_step_lands_on_the_prediction(name: str) -> None:
    target = torch.full((1, 4, 2, 2), 0.25)
    sigmas = np.array([1.0, 0.4, 0.0])
    x = target + 1.0
    out = SAMPLERS[name].walk(lambda x, i: target, x, sigmas, lambda: torch.zeros_like(x))
    assert torch.allclose(out, target, atol=1e-6)


def test_ddim_is_euler_in_these_variables() -> None:
    """One step against DDIM's own formula (eta 0) in variance preserving variables."""
    schedule = Schedule()
    sigmas = schedule.table("ddim", 10)
    s, n = float(sigmas[3]), float(sigmas[4])
    z, eps = torch.randn(1, 4, 4, 4), torch.randn(1, 4, 4, 4)
    x = z + s * eps
    mine = SAMPLERS["ddim"].walk(lambda x, i: z, x, sigmas[3:5], no_noise) / math.sqrt(1 + n * n)
    kept = 1 / (1 + n * n)
    assert torch.allclose(mine, math.sqrt(kept) * z + math.sqrt(1 - kept) * eps, atol=1e-5)
