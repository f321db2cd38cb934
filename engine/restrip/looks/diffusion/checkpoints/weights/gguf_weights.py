"""The weights of a GGUF file: numbers as they are, and blocks of few bits that stay packed until they are asked for."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from restrip.errors import BadInput
from restrip.looks.diffusion.checkpoints.weights.gguf_header import MAGIC, GgufTensor, read_gguf_header
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint
from restrip.looks.diffusion.checkpoints.weights.packed import Packed, Unpack

# GGUF kinds that are numbers as they are.
PLAIN = {
    "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "F64": torch.float64,
    "I32": torch.int32, "I64": torch.int64,
}  # fmt: skip


class MissingGgufPackage(BadInput):
    """A GGUF file, and the package that knows their kinds isn't installed."""

    code = "missing-gguf"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path.name} is a GGUF file; the package gguf, which reads those, isn't installed.",
            "Install it into Restrip's Python (pip install gguf), or use the model's .safetensors file.",
            path=str(path),
        )


def is_gguf(path: Path) -> bool:
    """Whether a file is one, whatever it is called. Raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def gguf_numbers(path: Path) -> dict[str, torch.Tensor]:
    """All weights as numbers: what is packed in float32. Raises as read_gguf does."""
    return {
        name: value.unpacked(torch.float32) if isinstance(value, Packed) else value
        for name, value in read_gguf(path).items()
    }


def read_gguf(path: Path) -> dict[str, torch.Tensor | Packed]:
    """The weights by their names. Raises UnreadableCheckpoint, MissingGgufPackage, BadGguf."""
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
    if count == 0:
        return torch.zeros(tensor.shape)
    if kind.name in PLAIN:
        return raw.clone().view(PLAIN[kind.name]).reshape(tensor.shape)
    unpack = _unpack_of(kind.name)
    if unpack is None:
        raise UnreadableCheckpoint(path, f"its weights are packed as {kind.name}, which isn't read here")
    rows = tensor.shape[0] if len(tensor.shape) > 1 else 1
    if count // rows % block:
        # Blocks that run over the rows' ends: no row can be taken out of them, so they become numbers at once.
        return unpack(raw.clone().reshape(1, -1), torch.float32).reshape(tensor.shape)
    return Packed(raw.clone().reshape(rows, -1), kind.name, tensor.shape, unpack=unpack)


def _unpack_of(kind: str) -> Unpack | None:
    """What makes numbers of a GGUF kind's bytes; None for kinds that diffusers doesn't read. Needs the package gguf."""
    from diffusers.quantizers.gguf import utils

    number = utils.gguf.GGMLQuantizationType[kind]
    block, size = utils.GGML_QUANT_SIZES[number]
    read = utils.dequantize_functions.get(number)

    def unpack(data: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        # The scales are halves: what isn't computed in full precision is in half.
        return read(data.reshape(-1, size), block, size, torch.float32 if dtype == torch.float32 else torch.float16)

    return None if read is None else unpack
