"""A draft's noise is that of its full picture, pooled."""

from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.sampling.seed_noise import SeedNoise, pooled

CPU = torch.device("cpu")


@pytest.mark.parametrize("size", [(24, 40), (23, 41), (37, 64), (72, 50), (1, 1)])
def test_pooled_noise_is_white_and_of_the_same_variance(size: tuple[int, int]) -> None:
    noise = torch.randn((200, 4, 72, 120), generator=torch.Generator().manual_seed(1))
    small = pooled(noise, size)
    assert small.shape[-2:] == size
    count = small.numel()
    assert float(small.mean()) == pytest.approx(0, abs=5 / count**0.5)
    assert float(small.var()) == pytest.approx(1, abs=8 / count**0.5)
    if min(size) > 1:
        beside, below = (small[..., 1:] * small[..., :-1]).mean(), (small[..., 1:, :] * small[..., :-1, :]).mean()
        assert abs(float(beside)) < 0.02 and abs(float(below)) < 0.02


def test_a_cell_is_the_sum_of_its_numbers_over_the_root_of_their_count() -> None:
    noise = torch.arange(24.0).reshape(4, 6)
    assert torch.allclose(pooled(noise, (2, 2)), torch.tensor([[24.0, 42.0], [96.0, 114.0]]) / 6**0.5)
    assert pooled(noise, (4, 6)) is noise


@pytest.mark.parametrize("source", ["cpu", "nv"])
def test_a_draft_draws_what_the_full_picture_draws(source: str) -> None:
    full = SeedNoise([3, 4], (4, 30, 45), CPU, source)
    draft = SeedNoise([3, 4], (4, 10, 15), CPU, source, drawn_at=(30, 45))
    for _ in range(3):
        assert torch.allclose(draft.draw(), pooled(full.draw(), (10, 15)))


def test_without_a_larger_size_it_is_the_seeds_own_noise() -> None:
    plain, told = SeedNoise([9], (4, 8, 8), CPU), SeedNoise([9], (4, 8, 8), CPU, drawn_at=(8, 8))
    assert torch.equal(plain.draw(), told.draw())
