"""ControlNets of a UNet: how they are opened, and what they add to its blocks (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.backbones.backbone import Control, Controls
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.loader import converted, quiet, saved, with_config
from restrip.looks.diffusion.checkpoints.weights.safe_weights import read_weights
from restrip.looks.diffusion.runtime import precision

# What a ControlNet has of its UNet's config: it is a copy of its first half.
COPIED = (
    "act_fn", "attention_head_dim", "block_out_channels", "cross_attention_dim", "down_block_types",
    "downsample_padding", "flip_sin_to_cos", "freq_shift", "layers_per_block", "mid_block_scale_factor", "norm_eps",
    "norm_num_groups", "transformer_layers_per_block", "use_linear_projection", "addition_embed_type",
    "addition_time_embed_dim", "projection_class_embeddings_input_dim", "num_attention_heads",
)  # fmt: skip


def open_controlnet(path: Path, unet_config: dict[str, Any], dtype: torch.dtype) -> Any:
    """A ControlNet from a diffusers folder, or a single file for a UNet of that configuration.

    Raises UnknownFamily, MissingPart, UnreadableCheckpoint, ForeignPickle.
    """
    with quiet():
        if path.is_dir():
            config = read_json(path / "config.json", path)
            if config.get("_class_name") != "ControlNetModel":
                raise UnknownFamily(path, f"it is a {config.get('_class_name')}, no ControlNet")
            module = saved("ControlNetModel", path.parent, path.name)
        else:
            config = {name: unet_config[name] for name in COPIED if name in unet_config}
            config = {"_class_name": "ControlNetModel", "in_channels": 4, **config}
            with with_config("controlnet", config) as folder:
                module = converted("ControlNetModel", path, read_weights(path), folder)
    return precision.cast(module, dtype).eval().requires_grad_(False)


@dataclass(frozen=True, eq=False)
class ControlNet:
    """A loaded ControlNet with its place in the recipe."""

    file: ControlFile
    module: Any

    def residuals(
        self, sample: torch.Tensor, t: torch.Tensor, text: dict[str, Any], hints: torch.Tensor
    ) -> tuple[Sequence[torch.Tensor], torch.Tensor]:
        """What it adds to the UNet's blocks on the way down, and in the middle.

        `sample` is [groups * rows, 4, h, w], `hints` [rows, 3, 8 h, 8 w] in 0..1; each block's are of its own size.
        """
        groups = len(sample) // len(hints)
        down, middle = self.module(
            sample,
            t,
            encoder_hidden_states=text["encoder_hidden_states"],
            added_cond_kwargs=text.get("added_cond_kwargs"),
            controlnet_cond=torch.cat([hints] * groups).to(sample.dtype),
            conditioning_scale=self.file.weight,
            return_dict=False,
        )
        return down, middle


def open_controls(
    files: Sequence[ControlFile], unet_config: dict[str, Any], dtype: torch.dtype, device: torch.device
) -> Controls:
    """The ControlNets of these files for a UNet of that configuration. Raises the errors of open_controlnet."""
    nets = [ControlNet(file, open_controlnet(file.path, unet_config, dtype).to(device)) for file in files]

    def controls(hints: Sequence[torch.Tensor], dtype: torch.dtype) -> Control:
        for net in nets:
            precision.cast(net.module, dtype)
        return added(nets, hints)

    return controls


def added(nets: Sequence[ControlNet], hints: Sequence[torch.Tensor]) -> Control:
    """What several ControlNets add together, as the UNet's arguments; `hints` [rows, 3, h, w] for each of them.

    Each takes part from `start` to `end` of the evaluations, as shares of them.
    """

    def control(sample: torch.Tensor, t: torch.Tensor, text: dict[str, Any], done: float) -> dict[str, Any]:
        active = [(net, seen) for net, seen in zip(nets, hints, strict=True) if net.file.start <= done <= net.file.end]
        if not active:
            return {}
        parts = [net.residuals(sample, t, text, seen) for net, seen in active]
        down = [torch.stack(list(layer)).sum(0) for layer in zip(*(part[0] for part in parts), strict=True)]
        return {
            "down_block_additional_residuals": down,
            "mid_block_additional_residual": torch.stack([part[1] for part in parts]).sum(0),
        }

    return control
