"""A seed's noise is its own, whatever it is drawn beside."""

from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.sampling.seed_noise import SeedNoise, mixed

CPU = torch.device("cpu")


def test_it_is_what_torchs_generator_of_that_seed_draws() -> None:
    noise, generator = SeedNoise([9], (4, 8, 6), CPU), torch.Generator().manual_seed(9)
    for _ in range(2):
        assert torch.equal(noise.draw()[0], torch.randn((4, 8, 6), generator=generator))


@pytest.mark.parametrize("source", ["cpu", "nv"])
def test_each_row_draws_what_it_draws_alone(source: str) -> None:
    both, alone = SeedNoise([3, 4], (4, 10, 15), CPU, source), SeedNoise([4], (4, 10, 15), CPU, source)
    for _ in range(3):
        assert torch.equal(both.draw()[1:], alone.draw())


@pytest.mark.parametrize("randomness", [0.0, 0.3, 1.0])
def test_mixed_noise_keeps_its_spread(randomness: float) -> None:
    one, other = SeedNoise([1, 2], (4, 64, 64), CPU).draw()
    assert float(mixed(one, other, randomness).std()) == pytest.approx(1, abs=0.02)
