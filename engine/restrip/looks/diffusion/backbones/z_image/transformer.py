"""Z-Image's transformer as a backbone: lists of pictures and texts, the time counted towards the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from restrip.looks.diffusion.backbones.backbone import Backbone, Call, Controls, Encode
from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.prediction import FLOW, Prediction
from restrip.looks.diffusion.backbones.z_image.joint_attention import JointAnchorAttention
from restrip.looks.diffusion.backbones.z_image.layers import diffusers_layer, parts_of
from restrip.looks.diffusion.backbones.z_image.union_controlnet import open_union_controls
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.sampling.schedules import FlowSchedule


@dataclass(eq=False)
class ZImageBackbone(Backbone):
    """It sees x_s = (1 - s) z + s noise at the time 1 - s, and gives the velocity from noise to picture, z - noise."""

    family: Family
    network: Any
    schedule: FlowSchedule
    prediction: Prediction = FLOW

    def inputs(self, conds: Sequence[Cond], size: tuple[int, int], like: torch.Tensor) -> dict[str, Any]:
        """See Backbone. Texts of different lengths lie in one batch; the network hides what fills them up."""
        return {"cap_feats": [cond.tokens.to(like) for cond in conds]}

    def output(self, network: Any, call: Call) -> torch.Tensor:
        """See Backbone."""
        like = next(network.parameters())
        x = torch.cat([call.x / self.prediction.scale(call.sigma)] * call.groups).to(like.dtype)
        time = torch.full((len(x),), 1 / (call.sigma + 1), device=x.device, dtype=torch.float32)
        pictures, texts = list(x[:, :, None].unbind()), call.inputs["cap_feats"]
        arguments: dict[str, Any] = {}
        if call.control is not None:
            arguments = call.control(network, pictures, time, texts, call.done)
        out = network(pictures, time, texts, return_dict=False, **arguments)[0]
        return -torch.stack([row[:, 0].float() for row in out])

    def anchor_attention(self, network: Any, strength: float, adain: bool) -> JointAnchorAttention:
        """See Backbone."""
        return JointAnchorAttention(network, strength, adain)

    def controls(
        self, files: Sequence[ControlFile], dtype: torch.dtype, device: torch.device, encode: Encode | None = None
    ) -> Controls:
        """See Backbone."""
        assert encode is not None
        return open_union_controls(files, dict(self.network.config), dtype, device, encode)

    def fused_layers(self, flat: str) -> tuple[str, ...]:
        """See Backbone."""
        return parts_of(flat)

    def layer_of(self, flat: str) -> str:
        """See Backbone."""
        return diffusers_layer(flat)
