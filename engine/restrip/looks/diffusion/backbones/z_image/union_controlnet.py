"""Z-Image's ControlNets: one file for edges, depth, poses and more (the "union" files), told by their shapes.

release     layers   sees                                   its own refiner
1           6        16 channels of latents                 plain blocks
2.0         15       33: latents, mask, masked latents      none that is used: the layers stand in for it
2.1         15       33                                     blocks that add to the transformer's
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.backbones.backbone import Control, Controls, Encode
from restrip.looks.diffusion.backbones.z_image.layers import diffusers_names
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored, read_stored
from restrip.looks.diffusion.runtime import precision

EMBEDDER = "control_all_x_embedder.2-1.weight"
BLOCKS = ("control_layers.", "control_noise_refiner.")
# What a ControlNet has of its transformer's config.
COPIED = (
    "all_patch_size",
    "all_f_patch_size",
    "dim",
    "n_refiner_layers",
    "n_heads",
    "n_kv_heads",
    "norm_eps",
    "qk_norm",
)
# What it borrows from the transformer while it works.
BORROWED = (
    "t_embedder", "all_x_embedder", "cap_embedder", "rope_embedder", "noise_refiner", "context_refiner", "x_pad_token",
    "cap_pad_token",
)  # fmt: skip


def open_union(path: Path, config: dict[str, Any]) -> Any:
    """A ControlNet of a file, or of a diffusers folder, for a transformer of that config.

    Raises UnknownFamily, MissingPart and the errors of reading.
    """
    weights = diffusers_names(read_stored(path))
    if EMBEDDER not in weights:
        raise UnknownFamily(path, "it is no ControlNet of Z-Image")
    return assembled("ZImageControlNetModel", union_config(weights, config), weights, path, "ControlNet", BLOCKS)


def union_config(weights: Stored, config: dict[str, Any]) -> dict[str, Any]:
    """A ControlNet's config by its weights and its transformer's config."""
    count = 1 + max(int(found[1]) for name in weights if (found := re.match(r"control_layers\.(\d+)\.", name)))
    apart = max(1, config["n_layers"] // count)
    patch = config["all_patch_size"][0] ** 2 * config["all_f_patch_size"][0]
    refiner = None
    if (
        "control_noise_refiner.0.after_proj.weight" in weights
        or "control_noise_refiner.0.attention_norm1.weight" not in weights
    ):
        first = weights.get("control_noise_refiner.0.before_proj.weight")
        numbers = first.unpacked(torch.float32) if isinstance(first, Packed) else first
        refiner = "control_layers" if numbers is None or not numbers.any() else "control_noise_refiner"
    return {
        **{name: config[name] for name in COPIED},
        "control_layers_places": list(range(0, count * apart, apart)),
        "control_refiner_layers_places": list(range(config["n_refiner_layers"])) if refiner else None,
        "control_in_dim": weights[EMBEDDER].shape[1] // patch,
        "add_control_noise_refiner": refiner,
    }


@dataclass(frozen=True, eq=False)
class UnionControlNet:
    """A loaded ControlNet with its place in the recipe."""

    file: ControlFile
    module: Any

    def added(
        self, network: Any, pictures: Sequence[torch.Tensor], time: torch.Tensor, texts: Sequence[torch.Tensor],
        seen: torch.Tensor,
    ) -> dict[int, torch.Tensor]:  # fmt: skip
        """What it adds behind the transformer's layers; `seen` [rows, channels, 1, h, w] are its pictures' latents."""
        groups = len(pictures) // len(seen)
        context = list(torch.cat([seen] * groups).to(pictures[0].dtype).unbind())
        self.module.t_scale = network.t_scale
        for name in BORROWED:
            setattr(self.module, name, getattr(network, name))
        try:
            return self.module(list(pictures), time, list(texts), context, conditioning_scale=self.file.weight)
        finally:
            for name in BORROWED:  # casts of the ControlNet must not reach the transformer
                setattr(self.module, name, None)


def open_union_controls(
    files: Sequence[ControlFile], config: dict[str, Any], dtype: torch.dtype, device: torch.device, encode: Encode
) -> Controls:
    """The ControlNets of these files; `encode` makes latents of their pictures. Raises the errors of open_union."""
    nets = []
    for file in files:
        module = precision.cast(open_union(file.path, config), dtype)
        nets.append(UnionControlNet(file, module.to(device)))

    def controls(hints: Sequence[torch.Tensor], dtype: torch.dtype) -> Control:
        seen = []
        for net, hint in zip(nets, hints, strict=True):
            precision.cast(net.module, dtype)
            latents = encode(hint * 2 - 1)
            # What is seen beside the picture, a mask and what it hides, is nothing here.
            more = net.module.control_in_dim - latents.shape[1]
            seen.append(F.pad(latents, (0, 0, 0, 0, 0, more))[:, :, None])

        def control(
            network: Any, pictures: Sequence[torch.Tensor], time: torch.Tensor, texts: Sequence[torch.Tensor],
            done: float,
        ) -> dict[str, Any]:  # fmt: skip
            total: dict[int, torch.Tensor] = {}
            for net, latents in zip(nets, seen, strict=True):
                if net.file.start <= done <= net.file.end:
                    for layer, value in net.added(network, pictures, time, texts, latents).items():
                        total[layer] = total[layer] + value if layer in total else value
            return {"controlnet_block_samples": total} if total else {}

        return control

    return controls
