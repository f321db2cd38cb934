"""Opens Z-Image: diffusers folders, the transformer in a file of its own, and files with all parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.z_image.layers import config_of, diffusers_names
from restrip.looks.diffusion.backbones.z_image.rows import VAE_INSIDE, prefix_of
from restrip.looks.diffusion.backbones.z_image.transformer import ZImageBackbone
from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.companions import tokenizer_of
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.loader import converted, open_vae
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored, read_stored
from restrip.looks.diffusion.conditioning.qwen_text import QwenText, Reading
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.sampling.schedules import FlowSchedule

KIND, WHAT = "ZImageTransformer2DModel", "transformer"
BLOCKS = ("layers.", "noise_refiner.", "context_refiner.")
READING = Reading(layers=(-2,), thinking=True)
SHIFT = 3.0


def open_model(checkpoint: Checkpoint, family: Family, configs: Path, prediction: str = "auto") -> Model:
    """The networks of a checkpoint on the CPU, their weights as they are stored; `configs` is the family's folder of
    them for single files.

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, UnknownFamily, MissingTokenizer, MissingGgufPackage.
    """
    if checkpoint.is_folder:
        return _from_folder(checkpoint, family)
    return _from_file(checkpoint, family, configs)


def _from_folder(checkpoint: Checkpoint, family: Family) -> Model:
    folder = checkpoint.path
    config = read_json(folder / WHAT / "config.json", folder)
    scheduler = read_json(folder / "scheduler" / "scheduler_config.json", folder)
    if scheduler.get("use_dynamic_shifting"):
        raise UnknownFamily(folder, "its schedule moves with the size, which isn't known of Z-Image")
    weights = diffusers_names(read_stored(folder / WHAT))
    network = assembled(KIND, config, weights, folder / WHAT, WHAT, BLOCKS)
    tokenizer = tokenizer_of(folder / "text_encoder", [folder])
    return Model(
        name=checkpoint.name,
        backbone=ZImageBackbone(family, network, FlowSchedule(float(scheduler.get("shift", SHIFT)))),
        vae=open_vae(folder / "vae", folder) if (folder / "vae").is_dir() else None,
        text=QwenText(folder / "text_encoder", tokenizer, READING),
    )


def _from_file(checkpoint: Checkpoint, family: Family, configs: Path) -> Model:
    path, beside = checkpoint.path, checkpoint.beside
    stored = read_stored(path)
    config = json.loads((configs / WHAT / "config.json").read_text("utf-8"))
    prefix = prefix_of(stored) or ""
    own = {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
    named = diffusers_names(own)
    try:
        config = config_of(named, config)
    except (KeyError, IndexError) as error:
        raise MissingPart(path, f"complete {WHAT} ({error} is missing)") from error
    network = assembled(KIND, config, named, path, WHAT, BLOCKS)
    return Model(
        name=checkpoint.name,
        backbone=ZImageBackbone(family, network, FlowSchedule(SHIFT)),
        vae=_inner_vae(path, stored, configs) if beside.vae is None else open_vae(beside.vae, configs),
        text=QwenText(beside.text_encoder or path, beside.tokenizer or tokenizer_of(path, []), READING),
    )


def _inner_vae(path: Path, stored: Stored, configs: Path) -> Any:
    """The VAE in a file with all parts; None where it has none and a setting names one."""
    own = {
        f"first_stage_model.{VAE_INSIDE.sub('', name)}": value.unpacked(torch.float32)
        if isinstance(value, Packed)
        else value
        for name, value in stored.items()
        if VAE_INSIDE.match(name)
    }
    return converted("AutoencoderKL", path, own, configs / "vae") if own else None
