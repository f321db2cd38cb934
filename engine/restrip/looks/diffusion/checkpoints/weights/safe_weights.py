"""Reading weights without running anything that a file brings along."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.weights.gguf_weights import gguf_numbers, is_gguf
from restrip.looks.diffusion.checkpoints.weights.headers import INNER, ForeignPickle, UnreadableCheckpoint, read_shapes

Weights = dict[str, torch.Tensor]

SCALES = (".scale_weight", ".weight_scale")
NO_WEIGHTS = (".scale_input", ".input_scale", "scaled_fp8", ".comfy_quant")
UNKNOWN_SCALES = (".weight_scale_2", ".weight_scale_inv", ".absmax", ".quant_map", ".qweight", ".SCB", ".weight_format")

OLD_CLIP = "cond_stage_model.transformer."


class ModelCheckpoint:
    """Stands for what the first Stable Diffusion models' training left in their files."""


LIGHTNING = "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"


def read_weights(path: Path) -> Weights:
    """The tensors of a .safetensors, .gguf or pickled file, on the CPU, those that are packed as numbers.

    Raises UnreadableCheckpoint, ForeignPickle, MissingGgufPackage, BadGguf. A pickle is looked through for
    foreign objects first, and then unpickled by torch's restricted reader.
    """
    read_shapes(path)
    if is_gguf(path):
        return gguf_numbers(path)
    try:
        if path.suffix == ".safetensors":
            return unscaled(dict(safetensors.torch.load_file(path)), path)
        with torch.serialization.safe_globals([(ModelCheckpoint, LIGHTNING)]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ForeignPickle(path, str(error).split("\n")[0][:200]) from error
    except (OSError, RuntimeError, EOFError, safetensors.SafetensorError) as error:
        raise UnreadableCheckpoint(path, str(error).split("\n")[0][:200]) from error
    return unscaled({name: value for name, value in _flat(content).items() if isinstance(value, torch.Tensor)}, path)


def unscaled(weights: Weights, path: Path) -> Weights:
    """Weights stored as 8-bit floats with a scale beside them, as numbers: weight times scale.

    x.weight with x.scale_weight (or x.weight_scale), one number or one for each row. Raises UnreadableCheckpoint for
    other ways of scaling, which would give noise in place of pictures.
    """
    check_packing(weights, path)
    scales = {name for name in weights if name.endswith(SCALES)}
    if not scales:
        return weights
    plain = {name: value for name, value in weights.items() if name not in scales and not name.endswith(NO_WEIGHTS)}
    for name in scales:
        weight = weight_of_scale(name)
        scale, value = weights[name].float(), plain.get(weight)
        if value is None or scale.numel() not in (1, len(value)):
            raise UnreadableCheckpoint(path, f"its weights are scaled in a way that isn't known here ({name})")
        plain[weight] = value.float() * scale.reshape(-1, *[1] * (value.dim() - 1))
    return plain


def check_packing(weights: Weights, path: Path) -> None:
    """Raises UnreadableCheckpoint when weights are stored as something else than numbers to be scaled."""
    unknown = next((name for name, value in weights.items() if _packed(name, value)), None)
    if unknown is not None:
        raise UnreadableCheckpoint(path, f"its weights are packed in a way that isn't known here ({unknown})")


def weight_of_scale(name: str) -> str:
    """The name of the weight that a scale of that name belongs to."""
    return f"{name.removesuffix('.scale_weight').removesuffix('.weight_scale')}.weight"


def _packed(name: str, value: torch.Tensor) -> bool:
    """Whether this says that weights are stored as something else than numbers to be scaled."""
    if name.endswith(".comfy_quant"):  # JSON: {"format": "float8_e4m3fn"}
        return b'"float8' not in bytes(value.flatten().to(torch.uint8).tolist())
    return name.endswith(UNKNOWN_SCALES)


def _flat(content: Any) -> dict[str, Any]:
    for inner in INNER:
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


def from_sd_cpp(weights: Weights) -> Weights:
    """A text encoder from stable-diffusion.cpp's names to those of transformers: only what it fuses is named apart."""
    renamed: Weights = {}
    for name, value in weights.items():
        layer, fused, end = name.partition("self_attn.in_proj.")
        if name == "text_model.text_projection":
            renamed["text_projection.weight"] = value.T.contiguous()
        elif fused:
            parts = zip("qkv", value.chunk(3), strict=True)
            renamed |= {f"{layer}self_attn.{letter}_proj.{end}": part.contiguous() for letter, part in parts}
        else:
            renamed[name] = value
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
