"""Weights of a file or a folder, as they are stored: 8-bit floats, NF4 and GGUF stay packed."""

from __future__ import annotations

from pathlib import Path

import safetensors
import safetensors.torch
import torch

from restrip.looks.diffusion.checkpoints.family_detection import MissingPart
from restrip.looks.diffusion.checkpoints.weights.four_bits import four_bit_weights
from restrip.looks.diffusion.checkpoints.weights.gguf_weights import read_gguf
from restrip.looks.diffusion.checkpoints.weights.headers import UnreadableCheckpoint, read_shapes
from restrip.looks.diffusion.checkpoints.weights.packed import EIGHTS, Packed
from restrip.looks.diffusion.checkpoints.weights.safe_weights import (
    NO_WEIGHTS,
    SCALES,
    Weights,
    check_packing,
    read_weights,
    weight_of_scale,
)

Stored = dict[str, torch.Tensor | Packed]


def read_stored(path: Path) -> Stored:
    """The weights of a .safetensors, .gguf or pickled file, or of all shards in a network's folder.

    Raises UnreadableCheckpoint, ForeignPickle, MissingPart, MissingGgufPackage, BadGguf.
    """
    if path.is_dir():
        shards = _shards(path)
        if shards[0].suffix == ".safetensors":
            return _of_safetensors(path, shards)
        stored: Stored = {}
        for shard in shards:
            stored |= read_stored(shard)
        return stored
    if path.suffix == ".gguf":
        return read_gguf(path)
    if path.suffix == ".safetensors":
        return _of_safetensors(path, [path])
    return dict(read_weights(path))


def _shards(folder: Path) -> list[Path]:
    """A folder's weights in one precision, each weight once."""
    for ending in (".safetensors", ".gguf", ".bin"):
        files = sorted(path for path in folder.glob(f"*{ending}") if path.is_file())
        whole = [path for path in files if ".fp16." not in path.name and ".bf16." not in path.name] or files
        if whole:
            return whole
    raise MissingPart(folder.parent, f"weights in {folder.name}")


def _of_safetensors(path: Path, files: list[Path]) -> Stored:
    """The weights of files that belong together: what belongs to a weight may lie in the next one."""
    weights: Weights = {}
    for file in files:
        read_shapes(file)
        try:
            weights |= safetensors.torch.load_file(file)
        except (OSError, RuntimeError, safetensors.SafetensorError) as error:
            raise UnreadableCheckpoint(file, str(error).split("\n")[0][:200]) from error
    stored: Stored = four_bit_weights(weights, path)
    check_packing(weights, path)
    scales = {weight_of_scale(name): value for name, value in weights.items() if name.endswith(SCALES)}
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
