"""Reading weights without running anything that a file brings along."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from restrip.looks.diffusion.header import ForeignPickle, UnreadableCheckpoint, read_shapes

Weights = dict[str, torch.Tensor]

OLD_CLIP = "cond_stage_model.transformer."


class ModelCheckpoint:
    """Stands for what the first Stable Diffusion models' training left in their files."""


LIGHTNING = "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"


def read_weights(path: Path) -> Weights:
    """The tensors of a .safetensors or pickled file, on the CPU. Raises UnreadableCheckpoint, ForeignPickle.

    A pickle is looked through for foreign objects first, and then unpickled by torch's restricted reader.
    """
    read_shapes(path)
    try:
        if path.suffix == ".safetensors":
            return dict(safetensors.torch.load_file(path))
        with torch.serialization.safe_globals([(ModelCheckpoint, LIGHTNING)]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ForeignPickle(path, str(error).split("\n")[0][:200]) from error
    except (OSError, RuntimeError, EOFError, safetensors.SafetensorError) as error:
        raise UnreadableCheckpoint(path, str(error).split("\n")[0][:200]) from error
    return {name: value for name, value in _flat(content).items() if isinstance(value, torch.Tensor)}


def _flat(content: Any) -> dict[str, Any]:
    for inner in ("state_dict", "model", "params_ema"):
        if isinstance(content, dict) and isinstance(content.get(inner), dict):
            return _flat(content[inner])
    return dict(content) if isinstance(content, dict) else {}


def tidied(weights: Weights) -> Weights:
    """Without what no network uses (EMA copies, counters), the old name of CLIP's weights brought up to date."""
    kept = {}
    for name, value in weights.items():
        if name.startswith(("model_ema.", "optimizer")) or name.endswith((".position_ids", "logit_scale")):
            continue
        if name.startswith(OLD_CLIP) and not name.startswith(OLD_CLIP + "text_model."):
            name = OLD_CLIP + "text_model." + name.removeprefix(OLD_CLIP)
        kept[name] = value
    return kept


def part(weights: Weights, prefix: str) -> Weights:
    """The weights whose names start with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def from_open_clip(weights: Weights) -> Weights:
    """SDXL's second text encoder from OpenCLIP's layout to that of transformers."""
    renamed: Weights = {}
    for name, value in weights.items():
        if name == "text_projection":
            renamed["text_projection.weight"] = value.T.contiguous()
        elif name == "positional_embedding":
            renamed["text_model.embeddings.position_embedding.weight"] = value
        elif name == "token_embedding.weight":
            renamed["text_model.embeddings.token_embedding.weight"] = value
        elif name.startswith("ln_final."):
            renamed["text_model.final_layer_norm." + name.removeprefix("ln_final.")] = value
        elif name.startswith("transformer.resblocks."):
            renamed |= _block(name.removeprefix("transformer.resblocks."), value)
    return renamed


def _block(name: str, value: torch.Tensor) -> Weights:
    number, _, rest = name.partition(".")
    layer = f"text_model.encoder.layers.{number}."
    for fused in ("attn.in_proj_weight", "attn.in_proj_bias"):
        if rest == fused:
            parts = zip("qkv", value.chunk(3), strict=True)
            end = fused.rpartition("_")[2]
            return {f"{layer}self_attn.{letter}_proj.{end}": part.contiguous() for letter, part in parts}
    for old, new in (
        ("attn.out_proj.", "self_attn.out_proj."),
        ("ln_1.", "layer_norm1."),
        ("ln_2.", "layer_norm2."),
        ("mlp.c_fc.", "mlp.fc1."),
        ("mlp.c_proj.", "mlp.fc2."),
    ):
        if rest.startswith(old):
            return {layer + new + rest.removeprefix(old): value}
    return {}
