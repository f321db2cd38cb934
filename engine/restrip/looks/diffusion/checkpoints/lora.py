"""LoRA files merged into a model's weights: kohya's names and diffusers'.

W += weight * (alpha / rank) * up @ down            (Hu et al. 2022)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.lora_kinds import check_kinds
from restrip.looks.diffusion.checkpoints.safe_weights import Weights, read_weights
from restrip.looks.diffusion.runtime.model import Model


class UnfittingLora(BadInput):
    """A LoRA that was made for another kind of model."""

    code = "unfitting-lora"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} doesn't fit this checkpoint: {why}.", "Use a LoRA that was trained for its family.",
            path=str(path),
        )  # fmt: skip


@dataclass
class Pair:
    """The two factors for one layer, and alpha, which scales them."""

    down: torch.Tensor | None = None
    up: torch.Tensor | None = None
    alpha: float | None = None

    def delta(self, like: torch.Tensor) -> torch.Tensor:
        """The change of a weight of `like`'s shape."""
        assert self.down is not None and self.up is not None
        down, up = self.down.float(), self.up.float()
        scale = 1.0 if self.alpha is None else self.alpha / len(down)
        change = (up.flatten(1) @ down.flatten(1)) * scale
        return change.reshape(like.shape)


ENDINGS = {
    ".lora_down.weight": "down", ".lora_A.weight": "down", ".lora.down.weight": "down", "_lora.down.weight": "down",
    ".lora_up.weight": "up", ".lora_B.weight": "up", ".lora.up.weight": "up", "_lora.up.weight": "up",
    ".alpha": "alpha",
}  # fmt: skip

KOHYA = {"lora_unet_": "unet", "lora_te_": "text_encoder", "lora_te1_": "text_encoder", "lora_te2_": "text_encoder_2"}


def merge(model: Model, path: Path, weight: float, text_weight: float | None = None) -> int:
    """Add the LoRA to the model's weights, to the text encoders' by `text_weight`; returns how many layers it changed.

    Layers that the model doesn't have are said in its notes. Raises UnfittingLora, UnusableLora,
    UnreadableCheckpoint, ForeignPickle.
    """
    modules = _modules(model)
    weights = read_weights(path)
    check_kinds(path, weights)
    pairs = _pairs(weights, modules, model.unet.config.layers_per_block)
    unknown = [name for name in pairs if name not in modules]
    if not pairs or len(unknown) > len(pairs) // 2:
        raise UnfittingLora(path, f"{len(unknown)} of its {len(pairs)} layers aren't in the model")
    changed = 0
    for name, pair in pairs.items():
        module = modules.get(name)
        if module is None or pair.down is None or pair.up is None:
            continue
        shape = module.weight.shape
        if pair.up.shape[0] != shape[0] or pair.down.flatten(1).shape[1] != shape[1:].numel():
            raise UnfittingLora(path, f"{name} has another shape")
        share = weight if text_weight is None or name.startswith("unet.") else text_weight
        merged = module.weight.float() + share * pair.delta(module.weight).to(module.weight.device)
        module.weight.data = merged.to(module.weight.dtype)
        changed += 1
    if not changed:
        raise UnfittingLora(path, "none of its layers is whole and in the model")
    if changed < len(pairs):
        model.notes.append(f"{len(pairs) - changed} of {len(pairs)} layers of {path.name} aren't in this model.")
    return changed


def _modules(model: Model) -> dict[str, Any]:
    """Every layer that a LoRA can change, by "part.name", the text encoders' without the level that came and went."""
    parts = {"unet": model.unet}
    for number, encoder in enumerate(model.encoders):
        parts["text_encoder" if number == 0 else "text_encoder_2"] = encoder.module
    return {
        f"{part}.{name.removeprefix('text_model.')}": module
        for part, network in parts.items()
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
    }


def _pairs(weights: Weights, modules: dict[str, Any], layers: int) -> dict[str, Pair]:
    by_flat = {_flat(name): name for name in modules}
    pairs: dict[str, Pair] = {}
    for name, value in weights.items():
        ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
        if ending is None:
            continue
        layer = _layer(name.removesuffix(ending), by_flat, layers)
        pair = pairs.setdefault(layer, Pair())
        setattr(pair, ENDINGS[ending], float(value) if ENDINGS[ending] == "alpha" else value)
    return pairs


def _layer(name: str, by_flat: dict[str, str], layers: int) -> str:
    """The module's name as `_modules` has it."""
    for prefix, part in KOHYA.items():
        if name.startswith(prefix):
            flat = name.removeprefix(prefix).removeprefix("text_model_")
            flat = _from_original(flat, layers) if part == "unet" else flat
            return by_flat.get(f"{part}_{flat}", f"{part}.{flat}")
    name = name.removeprefix("base_model.model.").replace(".text_model.", ".").replace(".processor.", ".")
    for place in ("q", "k", "v", "out"):  # diffusers before 0.22
        name = name.replace(f".to_{place}_lora", f".to_{place}")
    if not name.startswith(("unet.", "text_encoder")):
        name = f"unet.{name}"
    return by_flat.get(_flat(name), by_flat.get(_flat(name) + "_0", name))


# The original code's names for a block's parts, as flat LoRA names have them, and diffusers'.
RESNET_PARTS = {
    "in_layers_0": "norm1",
    "in_layers_2": "conv1",
    "emb_layers_1": "time_emb_proj",
    "out_layers_0": "norm2",
    "out_layers_3": "conv2",
    "skip_connection": "conv_shortcut",
}
BLOCK = re.compile(r"(input_blocks|middle_block|output_blocks)_(\d+)_(?:(\d+)_)?(.+)")


def _from_original(flat: str, layers: int) -> str:
    """A UNet layer named as in the original code (SDXL LoRA files often are) by its name in diffusers.

    input_blocks_4_1_proj_in -> down_blocks_1_attentions_0_proj_in, with `layers` resnets a block.
    """
    match = BLOCK.fullmatch(flat)
    if match is None:
        return flat
    where, first, second, rest = match.groups()
    if where == "middle_block":
        place = int(first)
        rest = f"{second}_{rest}" if second else rest
        return f"mid_block_attentions_0_{rest}" if place == 1 else f"mid_block_resnets_{place // 2}_{_part(rest)}"
    number, inside = int(first), int(second or 0)
    down = where == "input_blocks"
    block, layer = divmod(number - 1 if down else number, layers + 1)
    side = "down_blocks" if down else "up_blocks"
    if down and layer == layers:
        return f"{side}_{block}_downsamplers_0_conv"
    if rest == "conv" and inside > 0:
        return f"{side}_{block}_upsamplers_0_conv"
    if inside == 0:
        return f"{side}_{block}_resnets_{layer}_{_part(rest)}"
    return f"{side}_{block}_attentions_{layer}_{rest}"


def _part(rest: str) -> str:
    return RESNET_PARTS.get(rest, rest)


def _flat(name: str) -> str:
    return name.replace(".", "_")
