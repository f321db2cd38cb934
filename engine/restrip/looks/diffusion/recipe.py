"""What a job asks of the diffusion look, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from restrip.client.setting import complete
from restrip.looks.diffusion.settings import SD_SETTINGS


@dataclass(frozen=True)
class Recipe:
    """The settings of SD_SETTINGS that this look reads, by the same names; their help says what they mean."""

    prompt: str = ""
    negative_prompt: str = ""
    denoising_strength: float = 0.5
    cfg_scale: float = 7.0
    steps: int = 30
    sampler: str = "euler"
    seed: int = 1
    pixel_budget: int = 0
    width: int = 0
    height: int = 0
    clip_skip: int = 1
    mask_weight: float = 1.0
    noise: str = "seeded"
    original_prompt: str = ""
    randomness: float = 0.0
    recovery_iterations: int = 2
    anchor: bool = True
    anchor_attention: float = 1.0
    anchor_adain: bool = False
    anchor_fusion: float = 1.0
    anchor_color: float = 1.0
    previous_fusion: float = 0.0
    lora: str = ""
    controlnet: str = ""
    control_file: str = ""
    vae: str = ""
    schedule: str = "auto"
    distilled: str = "auto"
    batch: int = 0
    device: str = "auto"
    precision: str = "auto"
    compile: str = "auto"

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> Recipe:
        """From a look's settings; what is left out has its default. Raises BadSetting."""
        values = complete(SD_SETTINGS, values)
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})
