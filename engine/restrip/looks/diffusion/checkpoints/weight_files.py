"""Weights of a file or a folder, as they are stored: 8-bit floats and GGUF stay packed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.gguf_header import GgufTensor, read_gguf_header
from restrip.looks.diffusion.checkpoints.headers import UnreadableCheckpoint, read_shapes
from restrip.looks.diffusion.checkpoints.packed import EIGHTS, Packed
from restrip.looks.diffusion.checkpoints.safe_weights import (
    NO_WEIGHTS,
    SCALES,
    Weights,
    check_packing,
    read_weights,
    weight_of_scale,
)

Stored = dict[str, torch.Tensor | Packed]

# GGUF kinds that are numbers as they are.
PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class MissingGgufPackage(BadInput):
    """A GGUF file, and the package that knows their kinds isn't installed."""

    code = "missing-gguf"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is a GGUF file; the package gguf, which reads those, isn't installed.",
            "Install it into Restrip's Python (pip install gguf), or use the model's .safetensors file.",
            path=str(path),
        )


def read_stored(path: Path) -> Stored:
    """The weights of a .safetensors, .gguf or pickled file, or of all shards in a network's folder.

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, MissingGgufPackage, BadGguf.
    """
    if path.is_dir():
        stored: Stored = {}
        for shard in _shards(path):
            stored |= read_stored(shard)
        return stored
    if path.suffix == ".gguf":
        return _of_gguf(path)
    if path.suffix == ".safetensors":
        return _of_safetensors(path)
    return dict(read_weights(path))


def _shards(folder: Path) -> list[Path]:
    """A folder's weights in one precision, each weight once."""
    for ending in (".safetensors", ".gguf", ".bin"):
        files = sorted(path for path in folder.glob(f"*{ending}") if path.is_file())
        whole = [path for path in files if ".fp16." not in path.name and ".bf16." not in path.name] or files
        if whole:
            return whole
    raise MissingPart(folder.parent, f"weights in {folder.name}")


def _of_safetensors(path: Path) -> Stored:
    read_shapes(path)
    try:
        weights: Weights = dict(safetensors.torch.load_file(path))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise UnreadableCheckpoint(path, str(error).split("\n")[0][:200]) from error
    check_packing(weights, path)
    scales = {weight_of_scale(name): value for name, value in weights.items() if name.endswith(SCALES)}
    stored: Stored = {}
    for name, value in weights.items():
        if name.endswith((*SCALES, *NO_WEIGHTS)):
            continue
        scale = scales.pop(name, None)
        stored[name] = value if scale is None and value.dtype not in EIGHTS else _scaled(path, name, value, scale)
    if scales:
        raise UnreadableCheckpoint(path, f"its weights are scaled in a way that isn't known here ({min(scales)})")
    return stored


def _scaled(path: Path, name: str, value: torch.Tensor, scale: torch.Tensor | None) -> torch.Tensor | Packed:
    if scale is not None and scale.numel() not in (1, len(value)):
        raise UnreadableCheckpoint(path, f"its weights are scaled in a way that isn't known here ({name})")
    scale = None if scale is None else scale.float().flatten()
    if value.dtype in EIGHTS and value.dim() == 2:
        return Packed.of_floats(value, scale)
    numbers = value.float()
    return numbers if scale is None else numbers * scale.reshape(-1, *[1] * (value.dim() - 1))


def _of_gguf(path: Path) -> Stored:
    header = read_gguf_header(path, lists=True)
    if find_spec("gguf") is None:
        raise MissingGgufPackage(path)
    kinds = import_module("gguf").GGMLQuantizationType
    content = torch.from_file(str(path), shared=False, size=path.stat().st_size, dtype=torch.uint8)
    return {name: _numbers(path, name, tensor, content, kinds) for name, tensor in header.tensors.items()}


def _numbers(path: Path, name: str, tensor: GgufTensor, content: torch.Tensor, kinds: Any) -> torch.Tensor | Packed:
    try:
        kind = kinds(tensor.kind)
        block, size = import_module("gguf").GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError) as error:
        raise UnreadableCheckpoint(path, f"its weights are of a kind that isn't known here ({name})") from error
    count = torch.Size(tensor.shape).numel()
    raw = content[tensor.begins : tensor.begins + count // block * size]
    if len(raw) < count // block * size:
        raise UnreadableCheckpoint(path, f"it is cut off in {name}")
    if kind.name in PLAIN:
        return raw.clone().view(PLAIN[kind.name]).reshape(tensor.shape)
    from restrip.looks.diffusion.checkpoints.loader import gguf_unpack

    unpack = gguf_unpack(kind.name)
    if unpack is None:
        raise UnreadableCheckpoint(path, f"its weights are packed as {kind.name}, which isn't read here")
    rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
    return Packed(raw.clone().reshape(rows, -1), kind.name, tensor.shape, unpack=unpack)
