"""Opens FLUX.2 klein: diffusers folders, and the transformer in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.backbones.family import Family
from restrip.looks.diffusion.backbones.flux2.klein import KleinBackbone
from restrip.looks.diffusion.backbones.flux2.layout import config_of, renamed
from restrip.looks.diffusion.checkpoints.assembling import assembled
from restrip.looks.diffusion.checkpoints.companions import tokenizer_of
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart, UnknownFamily, read_json
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.checkpoints.loader import open_vae
from restrip.looks.diffusion.checkpoints.weights.packed import Packed
from restrip.looks.diffusion.checkpoints.weights.weight_files import Stored, read_stored
from restrip.looks.diffusion.conditioning.qwen_text import QwenText, Reading
from restrip.looks.diffusion.runtime.model import Model

KIND, WHAT = "Flux2Transformer2DModel", "transformer"
BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")
READING = Reading(layers=(9, 18, 27), thinking=False, padded=True)


def open_model(checkpoint: Checkpoint, family: Family, configs: Path, prediction: str = "auto") -> Model:
    """The networks of a checkpoint on the CPU, their weights as they are stored; what a single file's shapes don't say
    of its VAE is in `configs`' neighbour "flux2".

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, UnknownFamily, MissingTokenizer, MissingGgufPackage.
    """
    path, beside = checkpoint.path, checkpoint.beside
    vae = beside.vae
    if checkpoint.is_folder:
        config = read_json(path / WHAT / "config.json", path)
        text = path / "text_encoder"
        vae, tokenizer = path / "vae", tokenizer_of(text, [path])
        network = _network(read_stored(path / WHAT), path / WHAT, config)
    else:
        if beside.text_encoder is None:
            raise MissingPart(path, "text encoder")
        text = beside.text_encoder
        tokenizer = beside.tokenizer or tokenizer_of(text, [])
        network = _network(read_stored(path), path)
    return Model(
        name=checkpoint.name,
        backbone=KleinBackbone(family, network),
        vae=open_vae(vae, configs) if vae is not None and vae.exists() else None,
        text=QwenText(text, tokenizer, READING),
    )


def _network(stored: Stored, path: Path, config: dict[str, Any] | None = None) -> Any:
    """The transformer; its config is that of a folder, or what its weights' shapes say."""
    try:
        config = config or config_of({name: tuple(value.shape) for name, value in stored.items()})
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise UnknownFamily(path, f"its {WHAT} is incomplete ({error})") from error
    return assembled(KIND, config, renamed(stored, _thirds, _swapped), path, WHAT, BLOCKS)


def _thirds(value: torch.Tensor | Packed) -> tuple[torch.Tensor | Packed, ...]:
    return tuple(value.chunk(3))


def _swapped(value: torch.Tensor | Packed) -> torch.Tensor | Packed:
    """(shift, scale) as (scale, shift)."""
    shift, scale = (value.unpacked(torch.float32) if isinstance(value, Packed) else value).chunk(2)
    return torch.cat([scale, shift])
