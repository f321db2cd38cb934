"""FLUX.2 klein's transformer as a backbone: tokens of the picture that is made, then those of the references, clean.

position of a token   time   row   column   word
text                     0     0        0   0, 1, 2 ...
the picture              0     y        x   0
reference i        10 + 10 i   y        x   0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch

from restrip.looks.diffusion.backbones.backbone import Backbone, Call, Reference
from restrip.looks.diffusion.backbones.family import Family, UnsupportedByFamily
from restrip.looks.diffusion.backbones.flux2.latents import PATCH, PatchedLatents
from restrip.looks.diffusion.backbones.flux2.layout import flat_names
from restrip.looks.diffusion.backbones.flux2.shift import shift_of
from restrip.looks.diffusion.backbones.latents import Latents
from restrip.looks.diffusion.backbones.prediction import FLOW, Prediction
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.sampling.schedules import FlowSchedule, NoiseSchedule, Sigmas

APART = 10
"""Between the times of two references."""

VAE_FACTOR = 8


@dataclass(frozen=True)
class KleinSchedule:
    """A flow's schedule with the shift of pictures of so many `tokens`."""

    tokens: int

    def table(self, spacing: str, steps: int) -> Sigmas:
        """See NoiseSchedule."""
        return self.sigmas(spacing, steps, 1.0)

    def sigmas(self, spacing: str, steps: int, strength: float) -> Sigmas:
        """See NoiseSchedule: all steps lie below the strength, laid out anew."""
        return FlowSchedule(shift_of(self.tokens, steps)).sigmas(spacing, steps, strength)


@dataclass(eq=False)
class KleinBackbone(Backbone):
    """A Flux2Transformer2DModel without an embedding of guidance."""

    family: Family
    network: Any
    schedule: NoiseSchedule = KleinSchedule(4096)
    prediction: Prediction = FLOW
    _latents: WeakKeyDictionary[Any, PatchedLatents] = field(default_factory=WeakKeyDictionary, repr=False)

    def schedule_at(self, size: tuple[int, int]) -> NoiseSchedule:
        """See Backbone."""
        return KleinSchedule(size[0] * size[1] // (PATCH * VAE_FACTOR) ** 2)

    def latents(self, vae: Any) -> Latents:
        """See Backbone. Raises UnsupportedByFamily for a VAE of another family."""
        if getattr(vae, "bn", None) is None:
            remedy = "Use FLUX.2's own, such as flux2-vae.safetensors, or leave the setting VAE empty."
            raise UnsupportedByFamily(self.family.label, "use for another family's VAE", remedy)
        if vae not in self._latents:
            self._latents[vae] = PatchedLatents.of(vae)
        return self._latents[vae]

    def inputs(self, conds: Sequence[Cond], size: tuple[int, int], like: torch.Tensor) -> dict[str, Any]:
        """See Backbone."""
        text = torch.stack([cond.tokens for cond in conds]).to(like)
        places = torch.zeros(text.shape[1], 4, device=like.device)
        places[:, 3] = torch.arange(text.shape[1], device=like.device)
        return {"encoder_hidden_states": text, "txt_ids": places}

    def output(self, network: Any, call: Call) -> torch.Tensor:
        """See Backbone."""
        like = next(network.parameters())
        x = call.x / self.prediction.scale(call.sigma)
        rows, _, height, width = x.shape
        pictures = [Reference(x), *call.references]
        tokens = torch.cat([_tokens(one.latents.expand(rows, -1, -1, -1)) for one in pictures], dim=1)
        tokens = torch.cat([tokens] * call.groups).to(like.dtype)
        places = torch.cat([_places(one.latents, APART * n) for n, one in enumerate(pictures)])
        share = torch.full((len(tokens),), call.sigma / (call.sigma + 1), device=tokens.device, dtype=tokens.dtype)
        weights = _weights(pictures, call.inputs["encoder_hidden_states"].shape[1])
        more = {} if weights is None else {"joint_attention_kwargs": {"attention_mask": weights.to(tokens)}}
        out = network(
            hidden_states=tokens,
            timestep=share,
            img_ids=places,
            guidance=None,
            return_dict=False,
            **call.inputs,
            **more,
        )[0]
        made: torch.Tensor = out[:, : height * width].transpose(1, 2).unflatten(2, (height, width))
        return made.float()

    def layer_of(self, flat: str) -> str:
        """See Backbone."""
        names = flat_names(flat)
        return names[0] if len(names) == 1 else flat

    def fused_layers(self, flat: str) -> tuple[str, ...]:
        """See Backbone."""
        names = flat_names(flat)
        return names if len(names) > 1 else ()


def _tokens(latents: torch.Tensor) -> torch.Tensor:
    """[rows, channels, h, w] as [rows, h * w, channels]."""
    return latents.flatten(2).transpose(1, 2)


def _places(latents: torch.Tensor, time: int) -> torch.Tensor:
    """The positions of a picture's tokens, [h * w, 4]."""
    height, width = latents.shape[-2:]
    device = latents.device
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    return torch.stack([torch.full_like(x, time), y, x, torch.zeros_like(x)], dim=-1).flatten(0, 1).float()


def _weights(pictures: Sequence[Reference], words: int) -> torch.Tensor | None:
    """What is added to attention's logits, [1, 1, 1, tokens]: looking at a token twice is as much as at two of it.

    None where all are looked at alike, which attention does faster.
    """
    if all(one.weight == 1 for one in pictures):
        return None
    device = pictures[0].latents.device
    parts = [torch.zeros(words, device=device)]
    for one in pictures:
        height, width = one.latents.shape[-2:]
        added = math.log(one.weight) if one.weight > 0 else -math.inf
        parts.append(torch.full((height * width,), added, device=device))
    return torch.cat(parts)[None, None, None]
