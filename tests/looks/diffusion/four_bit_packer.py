"""Packs weights in 4 bits after the description of bitsandbytes' files, slowly and in numpy."""

from __future__ import annotations

import json

import numpy as np
import torch

# The middles of 16 equally likely parts of a normal distribution, zero among them, brought to -1..1.
NF4 = (
    -1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.09105004, 0.0, 0.0795803, 0.1609302,
    0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0,
)  # fmt: skip
# A sign, two bits of exponent and one of mantissa, and a number near zero; over 12.
FP4 = tuple(sign * value / 12 for sign in (1, -1) for value in (0, 0.0625, 8, 12, 4, 6, 2, 3))
TABLES = {"nf4": NF4, "fp4": FP4}


def pack(
    value: torch.Tensor, kind: str = "nf4", *, block: int = 64, nested: int = 0
) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """What a file holds of a weight, by the ends of the names, and the numbers that it stands for.

    `nested` is the blocks' count whose largest numbers are packed together once more; 0 leaves them floats.
    """
    table = np.float32(TABLES[kind])
    numbers = value.detach().float().numpy().flatten()
    blocks = np.pad(numbers, (0, -len(numbers) % block)).reshape(-1, block)
    largest = np.abs(blocks).max(axis=1)
    told = {"quant_type": kind, "blocksize": block, "dtype": "bfloat16", "shape": list(value.shape)}
    parts: dict[str, np.ndarray] = {".quant_map": table, ".absmax": largest}
    if nested:
        offset = float(largest.mean())
        coarse = np.linspace(-1, 1, 256).astype(np.float32) ** 3
        groups = np.pad(largest - offset, (0, -len(largest) % nested)).reshape(-1, nested)
        most = np.abs(groups).max(axis=1).clip(1e-6).astype(np.float32)
        bytes_ = np.abs(groups[..., None] / most[:, None, None] - coarse).argmin(axis=-1).astype(np.uint8)
        largest = (coarse[bytes_] * most[:, None] + np.float32(offset)).flatten()[: len(largest)]
        parts |= {".absmax": bytes_.flatten()[: len(largest)], ".nested_absmax": most, ".nested_quant_map": coarse}
        told |= {"nested_blocksize": nested, "nested_dtype": "float32", "nested_offset": offset}
    codes = np.abs(blocks[..., None] / np.abs(blocks).max(axis=1)[:, None, None] - table).argmin(axis=-1)
    stands_for = (table[codes] * largest[:, None]).flatten()[: len(numbers)].reshape(value.shape)
    flat = codes.flatten()[: len(numbers)].astype(np.uint8)
    flat = np.pad(flat, (0, len(flat) % 2))
    parts[""] = (flat[0::2] << 4 | flat[1::2])[:, None]
    parts[f".quant_state.bitsandbytes__{kind}"] = np.frombuffer(json.dumps(told).encode(), np.uint8)
    return {end: torch.from_numpy(part.copy()) for end, part in parts.items()}, torch.from_numpy(stands_for)


def four_bits(
    weights: dict[str, torch.Tensor], kind: str = "nf4", *, nested: int = 0
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """A file's weights with the matrices of its blocks in 4 bits, and the numbers that they stand for."""
    file, numbers = {}, {}
    for name, value in weights.items():
        if value.dim() != 2 or value.numel() < 1000 or not any(f"{part}." in name for part in ("layers", "blocks")):
            file[name] = numbers[name] = value
            continue
        parts, numbers[name] = pack(value, kind, nested=nested)
        file |= {name + end: part for end, part in parts.items()}
    return file, numbers
