"""LoRA files and their kin merged into a model's weights: kohya's, LyCORIS', diffusers' and peft's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from restrip.errors import BadInput
from restrip.looks.diffusion.backbones.backbone import Backbone
from restrip.looks.diffusion.checkpoints.lora_kinds import check_kinds
from restrip.looks.diffusion.checkpoints.lora_layer import LayerChange, role_of
from restrip.looks.diffusion.checkpoints.weights.packed import PackedLinear
from restrip.looks.diffusion.checkpoints.weights.safe_weights import Weights, read_weights
from restrip.looks.diffusion.runtime.model import Model


class UnfittingLora(BadInput):
    """A LoRA that was made for another kind of model."""

    code = "unfitting-lora"

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path.name} doesn't fit this checkpoint: {why}.", "Use a LoRA that was trained for its family.",
            path=str(path),
        )  # fmt: skip


LAYERS = (torch.nn.Linear, PackedLinear, torch.nn.Conv2d, torch.nn.LayerNorm, torch.nn.GroupNorm)

KOHYA_TEXTS = {"lora_te_": "text_encoder", "lora_te1_": "text_encoder", "lora_te2_": "text_encoder_2"}


def merge(model: Model, path: Path, weight: float, text_weight: float | None = None) -> int:
    """Add a LoRA, or one of its kin, to the model's weights; returns how many layers it changed.

    The text encoders change by `text_weight`, where that is given. Layers that the model doesn't have are said in its
    notes. Raises UnfittingLora, UnusableLora, UnreadableCheckpoint, ForeignPickle.
    """
    modules = _modules(model)
    weights = read_weights(path)
    check_kinds(path, weights)
    try:
        changes, foreign = _changes(weights, modules, model.backbone)
    except ValueError as error:
        raise UnfittingLora(path, str(error)) from error
    unknown = [name for name in changes if name not in modules]
    if not changes or len(unknown) > len(changes) // 2:
        raise UnfittingLora(path, f"{len(unknown)} of its {len(changes)} layers aren't in the model")
    changed = 0
    for name, change in changes.items():
        if name not in modules or not change.whole:
            continue
        own = weight if text_weight is None or not name.startswith("text_encoder") else text_weight
        try:
            change.apply(modules[name], own)
        except ValueError as error:
            raise UnfittingLora(path, f"{name} has another shape") from error
        changed += 1
    if not changed:
        raise UnfittingLora(path, "none of its layers is whole and in the model")
    if changed < len(changes):
        model.notes.append(f"{len(changes) - changed} of {len(changes)} layers of {path.name} aren't in this model.")
    if foreign:
        model.notes.append(f"{len(foreign)} weights of {path.name} aren't known here and weren't used ({foreign[0]}).")
    return changed


def _modules(model: Model) -> dict[str, Any]:
    """Every layer that a LoRA can change, by "part.name", the text encoders' without the level that came and went."""
    return {
        f"{part}.{name.removeprefix('text_model.')}": module
        for part, network in model.parts.items()
        for name, module in network.named_modules()
        if isinstance(module, LAYERS)
    }


def _changes(weights: Weights, modules: dict[str, Any], backbone: Backbone) -> tuple[dict[str, LayerChange], list[str]]:
    """The change of each layer, by the module's name, and the names of weights that are no part of one."""
    by_flat = {_flat(name): name for name in modules}
    changes: dict[str, LayerChange] = {}
    foreign = []
    for name, value in weights.items():
        found = role_of(name)
        if found is None:
            foreign.append(name)
            continue
        layer, role = found
        changes.setdefault(_layer(layer, by_flat, backbone), LayerChange()).parts[role] = value
    return _unfused(changes, by_flat, backbone), foreign


def _unfused(changes: dict[str, LayerChange], by_flat: dict[str, str], backbone: Backbone) -> dict[str, LayerChange]:
    """The changes, those of layers that the original code has in one as those of its parts.

    A file that has the parts, too, says the same twice.
    """
    part = backbone.family.part
    apart: dict[str, LayerChange] = {}
    for name, change in changes.items():
        flat = _flat(name).removeprefix(f"{part}_")
        names = [by_flat.get(f"{part}_{layer}", f"{part}.{layer}") for layer in backbone.fused_layers(flat)]
        if not names:
            apart[name] = change
        elif not any(one in changes for one in names) and change.whole:
            apart |= dict(zip(names, change.split(len(names)), strict=True))
    return apart


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
    name = name.removeprefix("diffusion_model.")
    if not name.startswith((f"{network}.", "text_encoder")):
        name = f"{network}.{name}"
    if name.startswith(f"{network}."):
        own = backbone.layer_of(_flat(name.removeprefix(f"{network}.")))
        if (found := by_flat.get(f"{network}_{own}")) is not None:
            return found
    return by_flat.get(_flat(name), by_flat.get(_flat(name) + "_0", name))


def _flat(name: str) -> str:
    return name.replace(".", "_")
