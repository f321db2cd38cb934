"""What a job asks of the diffusion look, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from restrip.client.setting import complete
from restrip.looks.diffusion.settings import SD_SETTINGS


@dataclass(frozen=True)
class Recipe:
    """The settings of SD_SETTINGS that this look reads, by the same names; their help says what they mean, and their
    defaults are there alone: see `from_settings`.
    """

    prompt: str
    negative_prompt: str
    denoising_strength: float
    cfg_scale: float
    steps: int
    sampler: str
    seed: int
    style_picture: str
    style_strength: float
    ip_adapter: str
    image_encoder: str
    pixel_budget: int
    width: int
    height: int
    clip_skip: int
    mask_weight: float
    noise: str
    original_prompt: str
    randomness: float
    recovery_iterations: int
    anchor: bool
    anchor_attention: float
    anchor_adain: bool
    anchor_fusion: float
    anchor_color: float
    anchor_file: str
    edit_correction: str
    previous_fusion: float
    lora: str
    controlnet: str
    control_file: str
    vae: str
    text_encoder: str
    schedule: str
    distilled: str
    prediction: str
    noise_source: str
    batch: int
    device: str
    precision: str
    compile: str
    replay: bool
    guided_every: int

    @classmethod
    def from_settings(cls, values: Mapping[str, Any]) -> Recipe:
        """From a look's settings; what is left out has its default. Raises BadSetting."""
        return cls.of(complete(SD_SETTINGS, values))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Recipe:
        """From all of a look's settings, checked before."""
        return cls(**{field.name: values[field.name] for field in fields(cls)})
