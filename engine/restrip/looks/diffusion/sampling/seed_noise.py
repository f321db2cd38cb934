"""The seed's noise: drawn on the CPU whatever its source, so that a seed means the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from restrip.looks.diffusion.sampling.philox import GpuLikeNoise


class SeedNoise:
    """A stream of noise for each row of a batch: the first draw starts img2img, the next ones are for ancestral steps.

    One generator a picture, normal numbers of [channels, height, width]: those of torch's CPU generator, or with the
    `source` "nv" those that an NVIDIA GPU draws, as A1111 does unless told otherwise.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: Sequence[int],
        device: torch.device,
        source: str = "cpu",
    ) -> None:
        self.shape = tuple(shape)
        self.draws = [_gpu_like(seed) if source == "nv" else _cpu(seed) for seed in seeds]
        self.device = device

    def draw(self) -> torch.Tensor:
        """The next noise of every row, [rows, channels, height, width] float32."""
        return torch.stack([draw(self.shape) for draw in self.draws]).to(self.device)


def _cpu(seed: int) -> Callable[[tuple[int, ...]], torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda shape: torch.randn(shape, generator=generator)


def _gpu_like(seed: int) -> Callable[[tuple[int, ...]], torch.Tensor]:
    noise = GpuLikeNoise(seed)
    return lambda shape: torch.from_numpy(noise.draw(shape))


def mixed(recovered: torch.Tensor, random: torch.Tensor, randomness: float) -> torch.Tensor:
    """Recovered noise with a share, 0..1, of random noise of its shape, the spread kept: 0 is all recovered."""
    if randomness == 0:
        return recovered
    both = (1 - randomness) * recovered + randomness * random
    return both / math.sqrt(randomness**2 + (1 - randomness) ** 2)
