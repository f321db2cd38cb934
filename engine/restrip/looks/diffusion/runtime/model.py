"""A loaded model: its networks and the numbers that belong to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from restrip.looks.diffusion.backbones.backbone import Backbone, TextConditioning
from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.runtime.offload import Offload


@dataclass
class Model:
    """A backbone (the network that takes noise out), a VAE, and what reads prompts."""

    name: str
    backbone: Backbone
    vae: Any
    text: TextConditioning
    notes: list[str] = field(default_factory=list)
    turns: Offload = field(default_factory=lambda: Offload(torch.device("cpu")))

    @property
    def family(self) -> Family:
        """Its row of the table."""
        return self.backbone.family

    @property
    def network(self) -> Any:
        """The backbone's network."""
        return self.backbone.network

    @property
    def device(self) -> torch.device:
        """Where the networks work."""
        return self.turns.device

    @property
    def latents(self) -> Latents:
        """Shape and scaling of its latents."""
        return self.backbone.latents(self.vae)

    @property
    def parts(self) -> dict[str, Any]:
        """The networks that a LoRA can change, by the names of their folders."""
        return {self.family.part: self.network, **self.text.parts}
