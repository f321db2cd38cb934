"""FLUX.2's latents: squares of 2x2 of the VAE's side by side as channels, normalized by statistics that it brings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.backbones.latents import Latents

PATCH = 2


@dataclass(frozen=True, eq=False)
class PatchedLatents(Latents):
    """`mean` and `std` [4 * channels] are those of the VAE's batch normalization, which is no layer of its networks."""

    mean: torch.Tensor | None = None
    std: torch.Tensor | None = None

    @classmethod
    def of(cls, vae: Any) -> PatchedLatents:
        """As an AutoencoderKLFlux2 says, in full precision: to be asked before it is cast."""
        factor = PATCH * 2 ** (len(vae.config.block_out_channels) - 1)
        std = (vae.bn.running_var.float() + vae.config.batch_norm_eps).sqrt()
        return cls(factor, mean=vae.bn.running_mean.float().clone(), std=std)

    def from_vae(self, z: torch.Tensor) -> torch.Tensor:
        """See Latents: [rows, c, h, w] as [rows, 4c, h / 2, w / 2]."""
        mean, std = self._along(z)
        return (F.pixel_unshuffle(z.float(), PATCH) - mean) / std

    def to_vae(self, latents: torch.Tensor) -> torch.Tensor:
        """See Latents."""
        mean, std = self._along(latents)
        return F.pixel_shuffle(latents.float() * std + mean, PATCH)

    def _along(self, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert self.mean is not None
        assert self.std is not None
        return self.mean.to(like.device)[:, None, None], self.std.to(like.device)[:, None, None]
