"""Stable Diffusion's UNet as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from restrip.looks.diffusion.backbones.backbone import Backbone, Call, Controls, Encode
from restrip.looks.diffusion.backbones.prediction import EPSILON, Prediction
from restrip.looks.diffusion.backbones.stable_diffusion.fused_projections import fuse
from restrip.looks.diffusion.backbones.stable_diffusion.rows import UnetFamily
from restrip.looks.diffusion.backbones.stable_diffusion.unet_controlnet import open_controls
from restrip.looks.diffusion.backbones.stable_diffusion.unet_layers import diffusers_layer
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.sampling.schedules import Schedule


@dataclass(eq=False)
class UnetBackbone(Backbone):
    """A UNet that sees x / sqrt(sigma^2 + 1) at the training step of sigma."""

    family: UnetFamily
    network: Any
    schedule: Schedule
    prediction: Prediction = EPSILON

    memory_format = torch.channels_last
    replayable = True

    @property
    def inpainting(self) -> bool:
        """See Backbone."""
        return int(self.network.config.in_channels) == 9

    @property
    def blocks(self) -> tuple[str, ...]:
        """See Backbone. What surrounds a lone transformer block, its norm and projections, is compiled with it."""
        deep = any(len(part.transformer_blocks) > 1 for part in self.network.modules() if _transformer(part))
        return "ResnetBlock2D", "BasicTransformerBlock" if deep else "Transformer2DModel"

    def settle(self, device: torch.device) -> None:
        """See Backbone."""
        super().settle(device)
        fuse(self.network)

    def inputs(self, conds: Sequence[Cond], size: tuple[int, int], like: torch.Tensor) -> dict[str, Any]:
        """See Backbone. Prompts of several chunks beside shorter ones are padded, and the padding isn't looked at."""
        longest = max(len(cond.tokens) for cond in conds)
        rows = [torch.nn.functional.pad(cond.tokens, (0, 0, 0, longest - len(cond.tokens))) for cond in conds]
        arguments: dict[str, Any] = {"encoder_hidden_states": torch.stack(rows).to(like)}
        if any(len(cond.tokens) < longest for cond in conds):
            seen = [[n < len(cond.tokens) for n in range(longest)] for cond in conds]
            arguments["encoder_attention_mask"] = torch.tensor(seen, device=like.device)
        if self.family.sized:
            width, height = size
            pooled = torch.stack([cond.pooled for cond in conds if cond.pooled is not None])
            sizes = torch.tensor([[height, width, 0, 0, height, width]] * len(conds), device=like.device)
            arguments["added_cond_kwargs"] = {"text_embeds": pooled.to(like), "time_ids": sizes.to(like.dtype)}
        return arguments

    def output(self, network: Any, call: Call) -> torch.Tensor:
        """See Backbone."""
        like = next(network.parameters())
        scaled = call.x / self.prediction.scale(call.sigma)
        if call.extra is not None:
            scaled = torch.cat([scaled, call.extra], dim=1)
        sample = torch.cat([scaled] * call.groups).to(like.dtype)
        if sample.device.type == "cuda":
            sample = sample.to(memory_format=self.memory_format)
        step = self.schedule.snapped_step(call.sigma) if call.snapped else float(self.schedule.step(call.sigma))
        t = torch.full((len(sample),), step, device=sample.device)
        arguments = dict(call.inputs)
        if call.control is not None:
            arguments |= call.control(sample[:, : call.x.shape[1]], t, arguments, call.done)
        out: torch.Tensor = network(sample, t, return_dict=False, **arguments)[0]
        return out.float()

    def anchor_attention(self, network: Any, strength: float, adain: bool) -> AnchorAttention:
        """See Backbone."""
        return AnchorAttention(network, strength, adain)

    def controls(
        self, files: Sequence[ControlFile], dtype: torch.dtype, device: torch.device, encode: Encode | None = None
    ) -> Controls:
        """See Backbone."""
        return open_controls(files, dict(self.network.config), dtype, device)

    def layer_of(self, flat: str) -> str:
        """See Backbone."""
        return diffusers_layer(flat, self.network.config.layers_per_block)


def _transformer(part: Any) -> bool:
    return type(part).__name__ == "Transformer2DModel"
