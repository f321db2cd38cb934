"""Between what a VAE gives and what a network works on: shape and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Latents:
    """`factor` pixels along one side of a latent pixel; latents are (z - shift) * scale of the VAE's z."""

    factor: int = 8
    scale: float = 1.0
    shift: float = 0.0

    @classmethod
    def of(cls, vae: Any) -> Latents:
        """As an AutoencoderKL's or AutoencoderTiny's config says."""
        blocks = getattr(vae.config, "block_out_channels", None) or vae.config.encoder_block_out_channels
        return cls(
            2 ** (len(blocks) - 1),
            float(vae.config.scaling_factor),
            float(getattr(vae.config, "shift_factor", None) or 0),
        )

    def from_vae(self, z: torch.Tensor) -> torch.Tensor:
        """What the network works on, [rows, channels, h, w]."""
        return (z - self.shift) * self.scale

    def to_vae(self, latents: torch.Tensor) -> torch.Tensor:
        """What the VAE decodes, [rows, channels, h, w]; undoes `from_vae`."""
        return latents / self.scale + self.shift
