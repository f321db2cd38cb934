"""The seed's noise: drawn on the CPU whatever its source, so that a seed means the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from restrip.looks.diffusion.sampling.philox import GpuLikeNoise


class SeedNoise:
    """A stream of noise for each row of a batch: the first draw starts img2img, the next ones are for ancestral steps.

    One generator a picture, normal numbers of [channels, height, width]: those of torch's CPU generator, or with the
    `source` "nv" those that an NVIDIA GPU draws, as A1111 does unless told otherwise. They are drawn for latents of
    `drawn_at` (height, width), where that is larger than `shape`, and `pooled`: a draft has its full picture's noise.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        shape: Sequence[int],
        device: torch.device,
        source: str = "cpu",
        drawn_at: tuple[int, int] | None = None,
    ) -> None:
        self.shape = tuple(shape)
        self.drawn_at = drawn_at or (self.shape[-2], self.shape[-1])
        self.draws = [_gpu_like(seed) if source == "nv" else _cpu(seed) for seed in seeds]
        self.device = device

    def draw(self) -> torch.Tensor:
        """The next noise of every row, [rows, channels, height, width] float32."""
        shape = (*self.shape[:-2], *self.drawn_at)
        drawn = torch.stack([draw(shape) for draw in self.draws])
        return pooled(drawn, (self.shape[-2], self.shape[-1])).to(self.device)


def pooled(noise: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """White noise [..., H, W] as white noise of the same variance at a smaller size (height, width).

    Each number goes into one cell, and a cell is the sum of its numbers over the root of how many they are: what is
    bright in the large noise over an area is so in the small.
    """
    for dim, cells in zip((-2, -1), size, strict=True):
        count = noise.shape[dim]
        if cells < count:
            cell = torch.arange(count) * cells // count
            shape = list(noise.shape)
            shape[dim] = cells
            total = noise.new_zeros(shape).index_add(dim, cell, noise)
            spread = torch.bincount(cell, minlength=cells).to(noise.dtype).sqrt()
            noise = total / (spread[:, None] if dim == -2 else spread)
    return noise


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
