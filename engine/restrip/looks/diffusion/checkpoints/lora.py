"""LoRA files merged into a model's weights: kohya's names and diffusers'.

W += weight * (alpha / rank) * up @ down            (Hu et al. 2022)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from restrip.errors import BadInput
from restrip.looks.diffusion.backbones.backbone import Backbone
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

KOHYA_TEXTS = {"lora_te_": "text_encoder", "lora_te1_": "text_encoder", "lora_te2_": "text_encoder_2"}


def merge(model: Model, path: Path, weight: float, text_weight: float | None = None) -> int:
    """Add the LoRA to the model's weights, to the text encoders' by `text_weight`; returns how many layers it changed.

    Layers that the model doesn't have are said in its notes. Raises UnfittingLora, UnusableLora,
    UnreadableCheckpoint, ForeignPickle.
    """
    modules = _modules(model)
    weights = read_weights(path)
    check_kinds(path, weights)
    pairs = _pairs(weights, modules, model.backbone)
    unknown = [name for name in pairs if name not in modules]
    if not pairs or len(unknown) > len(pairs) // 2:
        raise UnfittingLora(path, f"{len(unknown)} of its {len(pairs)} layers aren't in the model")
    texts = {name for name in pairs if name.startswith("text_encoder")}
    changed = 0
    for name, pair in pairs.items():
        module = modules.get(name)
        if module is None or pair.down is None or pair.up is None:
            continue
        shape = module.weight.shape
        if pair.up.shape[0] != shape[0] or pair.down.flatten(1).shape[1] != shape[1:].numel():
            raise UnfittingLora(path, f"{name} has another shape")
        strength = weight if text_weight is None or name not in texts else text_weight
        merged = module.weight.float() + strength * pair.delta(module.weight).to(module.weight.device)
        module.weight.data = merged.to(module.weight.dtype)
        changed += 1
    if not changed:
        raise UnfittingLora(path, "none of its layers is whole and in the model")
    if changed < len(pairs):
        model.notes.append(f"{len(pairs) - changed} of {len(pairs)} layers of {path.name} aren't in this model.")
    return changed


def _modules(model: Model) -> dict[str, Any]:
    """Every layer that a LoRA can change, by "part.name", the text encoders' without the level that came and went."""
    return {
        f"{part}.{name.removeprefix('text_model.')}": module
        for part, network in model.parts.items()
        for name, module in network.named_modules()
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d)
    }


def _pairs(weights: Weights, modules: dict[str, Any], backbone: Backbone) -> dict[str, Pair]:
    by_flat = {_flat(name): name for name in modules}
    pairs: dict[str, Pair] = {}
    for name, value in weights.items():
        ending = next((ending for ending in ENDINGS if name.endswith(ending)), None)
        if ending is None:
            continue
        layer = _layer(name.removesuffix(ending), by_flat, backbone)
        pair = pairs.setdefault(layer, Pair())
        setattr(pair, ENDINGS[ending], float(value) if ENDINGS[ending] == "alpha" else value)
    return pairs


def _layer(name: str, by_flat: dict[str, str], backbone: Backbone) -> str:
    """The module's name as `_modules` has it."""
    network = backbone.family.part
    for prefix, part in {"lora_unet_": network, **KOHYA_TEXTS}.items():
        if name.startswith(prefix):
            flat = name.removeprefix(prefix).removeprefix("text_model_")
            flat = backbone.layer_of(flat) if part == network else flat
            return by_flat.get(f"{part}_{flat}", f"{part}.{flat}")
    name = name.removeprefix("base_model.model.").replace(".text_model.", ".").replace(".processor.", ".")
    for place in ("q", "k", "v", "out"):  # diffusers before 0.22
        name = name.replace(f".to_{place}_lora", f".to_{place}")
    if not name.startswith((f"{network}.", "text_encoder")):
        name = f"{network}.{name}"
    return by_flat.get(_flat(name), by_flat.get(_flat(name) + "_0", name))


def _flat(name: str) -> str:
    return name.replace(".", "_")
