"""The seed's noise: drawn on the CPU, so that a seed means the same on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch


class SeedNoise:
    """A stream of noise for each row of a batch: the first draw starts img2img, the next ones are for ancestral steps.

    As A1111 with its CPU source: one generator a picture, normal numbers of [channels, height, width].
    """

    def __init__(self, seeds: Sequence[int], shape: Sequence[int], device: torch.device) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.shape = tuple(shape)
        self.device = device

    def draw(self) -> torch.Tensor:
        """The next noise of every row, [rows, channels, height, width] float32."""
        rows = [torch.randn(self.shape, generator=generator) for generator in self.generators]
        return torch.stack(rows).to(self.device)


def mixed(recovered: torch.Tensor, random: torch.Tensor, randomness: float) -> torch.Tensor:
    """Recovered noise with a share of random noise, the spread kept: 0 is all recovered."""
    if randomness == 0:
        return recovered
    both = (1 - randomness) * recovered + randomness * random
    return both / math.sqrt(randomness**2 + (1 - randomness) ** 2)
