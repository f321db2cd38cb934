from __future__ import annotations

import math

import av
import cv2
import numpy as np
import pytest
import torch

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.looks.diffusion.sampling.inversion import adjusted, exact, plain
from restrip.looks.diffusion.sampling.samplers import euler
from restrip.looks.diffusion.sampling.schedules import Schedule, start_index
from restrip.looks.diffusion.sampling.seed_noise import SeedNoise, mixed

SPREAD = 0.5


def ideal(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """The noise in x, for pictures drawn from a normal distribution of that spread."""
    return x * (sigma / (SPREAD**2 + sigma**2))


def back(start: torch.Tensor, sigmas) -> torch.Tensor:
    return euler(lambda x, i: x - float(sigmas[i]) * ideal(x, float(sigmas[i])), start, sigmas, lambda: start)


def test_each_iteration_is_nearer_to_the_exact_inverse() -> None:
    sigmas = Schedule().table("uniform", 60)[start_index(60, 0.5) :]
    clean = torch.ones(1, 1, 1, 1)
    errors = [float((back(exact(ideal, clean, sigmas[::-1], n), sigmas) - clean).abs()) for n in (1, 2, 3, 5)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5


def test_plain_noise_has_a_spread_of_one_for_each_row() -> None:
    rising = Schedule().table("uniform", 10)[::-1]
    clean = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    noise = plain(ideal, clean, rising)
    assert noise.flatten(1).std(dim=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    alone = plain(ideal, clean[1:], rising)
    assert torch.allclose(noise[1:], alone)


def test_rows_are_recovered_by_themselves() -> None:
    sigmas = Schedule().table("uniform", 20)[start_index(20, 0.5) :]
    clean = (
        torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1.0, 3, 9])[:, None, None, None]
    )

    def bent(x: torch.Tensor, sigma: float) -> torch.Tensor:
        return torch.sin(x) * sigma

    together = exact(bent, clean, sigmas[::-1], 3)
    assert torch.allclose(together[1:2], exact(bent, clean[1:2], sigmas[::-1], 3), atol=1e-6)


def test_plain_is_eulers_rule_upwards() -> None:
    noise = plain(lambda x, sigma: torch.full_like(x, sigma) * x, torch.tensor([1.0, -2.0]).reshape(1, 1, 1, 2),
                  np.array([0.0, 1.0, 3.0]))  # fmt: skip
    # x -> x + 1 * 1x = 2x -> 2x + 2 * 3 * 2x = 14x, then by its spread.
    assert noise.flatten().tolist() == pytest.approx([14 / (14 * 1.5 * 2**0.5), -28 / (14 * 1.5 * 2**0.5)])


def test_adjusted_asks_at_the_start_of_each_step_and_skips_the_first() -> None:
    asked: list[float] = []

    def eps(x: torch.Tensor, sigma: float) -> torch.Tensor:
        asked.append(sigma)
        return torch.full_like(x, 2.0)

    noise = adjusted(eps, torch.zeros(1, 1, 1, 1), np.array([0.0, 1.0, 3.0, 4.0]))
    assert asked == [1.0, 3.0]
    assert float(noise) == pytest.approx((2 * 2 + 1 * 2) / 4)


def test_randomness_keeps_the_spread() -> None:
    a, b = torch.randn(2, 1, 4, 64, 64, generator=torch.Generator().manual_seed(2))
    assert mixed(a, b, 0) is a
    assert torch.equal(mixed(a, b, 1.0), b)
    for q in (0.2, 0.5, 0.8):
        assert float(mixed(a, b, q).std()) == pytest.approx(1, abs=0.02)
    assert torch.allclose(mixed(a, b, 0.5), (a + b) / math.sqrt(2), atol=1e-6)


def test_seed_noise_is_torchs_cpu_noise_whatever_the_batch() -> None:
    shape, cpu = (4, 6, 8), torch.device("cpu")
    both = SeedNoise([7, 8], shape, cpu)
    first, second = both.draw(), both.draw()
    assert torch.equal(first[0], torch.randn(shape, generator=torch.Generator().manual_seed(7)))
    alone = SeedNoise([8], shape, cpu)
    assert torch.equal(alone.draw()[0], first[1]) and torch.equal(alone.draw()[0], second[1])
    assert not torch.equal(first[1], second[1])


@pytest.fixture(scope="module")
def tiny():
    return open_model(find_checkpoint("tiny"))


def test_a_real_frame_comes_back_from_its_recovered_noise(tiny, bigbuckbunny) -> None:
    """Recover, then denoise with the same prompt: at most 1 % off in latents, and 5 times nearer than plain."""
    with av.open(str(bigbuckbunny)) as container:
        frame = next(frame for n, frame in enumerate(container.decode(video=0)) if n == 40)
    small = cv2.resize(frame.to_ndarray(format="rgb24"), (128, 80), interpolation=cv2.INTER_AREA)
    picture = torch.from_numpy(small).permute(2, 0, 1)[None].float() / 127.5 - 1
    steps, strength = 20, 0.5
    table = tiny.backbone.schedule.table("uniform", steps)
    sigmas = table[start_index(steps, strength) :]
    prompt = tiny.text.encode("a photo", 1)
    denoiser = Denoiser(tiny, [prompt], [prompt], 1.0)
    with torch.inference_mode():
        clean = tiny.vae.encode(picture).latent_dist.mode() * tiny.vae.config.scaling_factor

        def denoised(start: torch.Tensor) -> float:
            out = euler(lambda x, i: denoiser.clean(x, float(sigmas[i])), start, sigmas, lambda: start)
            return float((out - clean).norm() / clean.norm())

        errors = {n: denoised(exact(denoiser.eps, clean, sigmas[::-1], n)) for n in (2, 3)}
        # A1111's way of starting: noise over the whole schedule, scaled, less the part of the picture that is in it.
        noise = plain(denoiser.eps, clean, table[::-1])
        old = denoised(clean + float(sigmas[0]) * (noise - clean / float(table[0])))
    assert errors[3] <= 0.005 and errors[2] <= 0.01
    assert old >= 5 * errors[2]
