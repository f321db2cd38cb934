"""A loaded model: its networks and the numbers that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from restrip.looks.diffusion.checkpoints.family_detection import Family
from restrip.looks.diffusion.conditioning.text_encoders import TextEncoder
from restrip.looks.diffusion.runtime.offload import Turns
from restrip.looks.diffusion.sampling.schedules import Schedule


@dataclass
class Model:
    """UNet, VAE and text encoders. `prediction` is "epsilon" or "v_prediction"."""

    name: str
    family: Family
    unet: Any
    vae: Any
    encoders: tuple[TextEncoder, ...]
    schedule: Schedule
    prediction: str = "epsilon"
    notes: list[str] = field(default_factory=list)
    turns: Turns = field(default_factory=lambda: Turns(torch.device("cpu")))

    @property
    def device(self) -> torch.device:
        """Where the networks work."""
        return self.turns.device

    @property
    def xl(self) -> bool:
        """Whether this is SDXL: two text encoders, sizes as conditioning, a VAE that overflows in half precision."""
        return self.family.name.startswith("sdxl")

    @property
    def inpainting(self) -> bool:
        """Whether the UNet sees a mask and the masked picture beside the latents."""
        return int(self.unet.config.in_channels) == 9

    @property
    def factor(self) -> int:
        """Pixels of the picture along one side of a latent pixel: 8 for Stable Diffusion."""
        blocks = getattr(self.vae.config, "block_out_channels", None) or self.vae.config.encoder_block_out_channels
        return 2 ** (len(blocks) - 1)

    @property
    def native_px(self) -> int:
        """The side of the square that the model was trained on."""
        return int(getattr(self.unet.config, "sample_size", None) or 64) * self.factor
