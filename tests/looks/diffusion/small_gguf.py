"""Single files of small models as stable-diffusion.cpp and ComfyUI's tools pack them: GGUF, and scaled 8-bit floats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch

Weights = dict[str, torch.Tensor]


def sd_cpp_names(made: Any, *, fused: bool) -> Weights:
    """A small model's weights by stable-diffusion.cpp's names, with queries, keys and values in one where `fused`."""
    weights = {k: v for k, v in made.original().items() if not k.startswith(("cond_stage_model.", "conditioner."))}
    for text, prefix in zip(made.texts, ("cond_stage_model.", "cond_stage_model.1."), strict=False):
        own = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in text.state_dict().items()}
        projection = own.pop("text_model.text_projection.weight", None)
        if projection is not None:
            own["text_model.text_projection"] = projection.T
        if fused:
            for name in [name for name in own if "self_attn.q_proj." in name]:
                parts = [own.pop(name.replace("q_proj", f"{letter}_proj")) for letter in "qkv"]
                own[name.replace("q_proj", "in_proj")] = torch.cat(parts)
        weights |= {f"{prefix}transformer.{k}": v for k, v in own.items()}
    return weights


def save_gguf(weights: Weights, path: Path, kind: str = "Q8_0", *, flat: bool = False) -> Weights:
    """Matrices in blocks of that kind, or in half precision where they don't fit, and vectors as they are; `flat`:
    convolutions are matrices, a kernel in a row. The weights that the gguf package reads from it are returned.
    """
    writer = gguf.GGUFWriter(str(path), "sd")
    number = gguf.GGMLQuantizationType[kind]
    back: Weights = {}
    for name, value in weights.items():
        data = np.ascontiguousarray(value.float().numpy())
        if flat and data.ndim == 4:
            data = data.reshape(len(data), -1)
        if data.ndim < 2:
            writer.add_tensor(name, data.reshape(-1))
        elif data.ndim > 2 or data.shape[-1] % 32 or kind == "F16":
            data = data.astype(np.float16)
            writer.add_tensor(name, data)
        else:
            packed = gguf.quants.quantize(data, number)
            writer.add_tensor(name, packed, raw_dtype=number)
            data = gguf.quants.dequantize(packed, number)
        back[name] = torch.from_numpy(data.astype(np.float32)).reshape(value.shape)
    write(writer)
    return back


def save_unet_alone(weights: Weights, path: Path) -> None:
    """As ComfyUI's tools do: the UNet's own names, weights laid out anew in rows of 256 with their shapes beside."""
    writer = gguf.GGUFWriter(str(path), "sdxl")
    for name, value in weights.items():
        if not name.startswith("model.diffusion_model."):
            continue
        name, data = name.removeprefix("model.diffusion_model."), np.ascontiguousarray(value.float().numpy())
        if data.ndim > 1 and data.size % 256 == 0 and data.shape[-1] % 256:
            writer.add_array(f"comfy.gguf.orig_shape.{name}", list(data.shape))
            data = data.reshape(-1, 256)
        writer.add_tensor(name, data.astype(np.float16))
    write(writer)


def write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def eights(weights: Weights, scale_name: str) -> tuple[Weights, Weights]:
    """Matrices and convolutions as 8-bit floats with a scale beside each, and the numbers that they stand for."""
    stored: Weights = {"scaled_fp8": torch.zeros(2).to(torch.float8_e4m3fn)}
    numbers: Weights = {}
    for name, value in weights.items():
        if value.dim() < 2 or not name.endswith(".weight"):
            stored[name] = numbers[name] = value.contiguous().clone()
            continue
        scale = value.abs().max() / 448
        stored[name] = (value / scale).to(torch.float8_e4m3fn).contiguous()
        stored[f"{name.removesuffix('weight')}{scale_name}"] = scale.reshape(())
        numbers[name] = (stored[name].float() * scale).contiguous()
    return stored, numbers
