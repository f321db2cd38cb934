"""Weights in 4 bits as bitsandbytes writes them: NF4 and FP4, numbers of a table of 16 times their block's largest.

    x.weight                                 two codes a byte, the first in the high half
    x.weight.quant_map                       [16] what the codes stand for
    x.weight.absmax                          a number for each block; or a byte, if these are packed once more:
    x.weight.nested_quant_map, nested_absmax [256] what the bytes stand for, and a number for each block of bytes
    x.weight.quant_state.bitsandbytes__nf4   JSON: shape, blocksize, nested_blocksize, nested_offset

In memory each row holds its codes and behind them the largest numbers of its own blocks, so that rows can be parted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from restrip.looks.diffusion.checkpoints.weights.headers import (
    FOUR_BIT_PARTS,
    FOUR_BITS,
    UnreadableCheckpoint,
    read_quant_state,
)
from restrip.looks.diffusion.checkpoints.weights.packed import Packed, Unpack

# Blocks shorter than this would take about as much memory packed as they do in half precision.
SHORTEST = 8

# Makes what each block's codes are multiplied with, [rows, blocks] float32, of its bytes in the rows.
Largest = Callable[[torch.Tensor], torch.Tensor]


def four_bit_weights(weights: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor | Packed]:
    """Take the 4-bit weights and all that belongs to them out of `weights`. Raises UnreadableCheckpoint."""
    found: dict[str, torch.Tensor | Packed] = {}
    for state in [name for name in weights if name.endswith(FOUR_BITS)]:
        name = state.partition(".quant_state.")[0]
        try:
            parts = {"": weights.pop(name)}
            parts |= {part: weights.pop(name + part) for part in FOUR_BIT_PARTS if name + part in weights}
            found[name] = _read(parts, state.removeprefix(name))
        except (KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
            raise UnreadableCheckpoint(path, f"{name} isn't packed as its 4 bits are described") from error
    return found


def _read(parts: dict[str, torch.Tensor], state: str) -> torch.Tensor | Packed:
    told = read_quant_state(parts[state].numpy().tobytes())
    shape, block = told["shape"], told["blocksize"]
    count = math.prod(shape)
    codes = parts[""].contiguous().view(torch.uint8).flatten()
    table = parts[".quant_map"].float().flatten()
    largest = parts[".absmax"].flatten()
    if len(codes) != (count + 1) // 2 or len(table) != 16 or len(largest) != -(-count // block):
        raise ValueError(shape)
    nested = None
    if largest.dtype == torch.uint8:
        nested = _Nested(parts, told, len(largest))
    kind = state.rpartition("__")[2]
    unit = math.gcd(shape[-1], block)
    if len(shape) != 2 or unit < SHORTEST or unit % 2:
        whole = largest.float() if nested is None else nested.numbers(largest)
        return (_pairs(codes, table).flatten()[:count] * whole.repeat_interleave(block)[:count]).reshape(shape)
    # Where a row is no whole number of blocks, they are cut into equal parts that belong to one row each.
    rows, blocks = shape[0], shape[1] // unit
    largest = largest.repeat_interleave(block // unit)[: rows * blocks].reshape(rows, blocks)
    beside, read = _in_rows(largest) if nested is None else nested.in_rows(largest, block // unit)
    data = torch.cat([codes.reshape(rows, -1), beside], dim=1)
    return Packed(data, kind, shape, unpack=_unpack(tuple(table.tolist()), shape[1], unit, read))


def _in_rows(largest: torch.Tensor) -> tuple[torch.Tensor, Largest]:
    return largest.float().view(torch.uint8), lambda data: data.contiguous().view(torch.float32)


def _unpack(table: tuple[float, ...], columns: int, unit: int, largest: Largest) -> Unpack:
    def unpack(data: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        scales = largest(data[:, columns // 2 :])
        numbers = _pairs(data[:, : columns // 2], _table(table, data.device)).reshape(len(data), -1, unit)
        return (numbers * scales[:, :, None]).reshape(len(data), columns).to(dtype)

    return unpack


def _pairs(codes: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """What bytes of two codes each stand for, [..., 2] float32."""
    both = torch.stack([table.repeat_interleave(16), table.repeat(16)], dim=1)
    return torch.nn.functional.embedding(codes.int(), both)


def _table(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Numbers on a device, float32. What is compiled holds them as constants."""
    if torch.compiler.is_compiling():
        return torch.tensor(values, dtype=torch.float32, device=device)
    return _sent(values, device)


@lru_cache(maxsize=64)
def _sent(values: tuple[float, ...], device: torch.device) -> torch.Tensor:
    """Sent there once: layers share them, and a recording of what the device does can't wait for the computer."""
    return torch.tensor(values, dtype=torch.float32, device=device)


class _Nested:
    """The blocks' largest numbers as they are packed once more: table[byte] * their group's number + offset."""

    def __init__(self, parts: dict[str, torch.Tensor], told: dict[str, Any], count: int) -> None:
        self.group, self.offset = int(told["nested_blocksize"]), float(told["nested_offset"])
        self.table = parts[".nested_quant_map"].float().flatten()
        self.groups = parts[".nested_absmax"].float().flatten()
        if len(self.table) != 256 or self.group < 1 or len(self.groups) != -(-count // self.group):
            raise ValueError(count)

    def numbers(self, largest: torch.Tensor) -> torch.Tensor:
        """Each block's number, of its byte."""
        return self.table[largest.int()] * self.groups.repeat_interleave(self.group)[: len(largest)] + self.offset

    def in_rows(self, largest: torch.Tensor, repeated: int) -> tuple[torch.Tensor, Largest]:
        """Bytes to lie in the rows beside the blocks' bytes [rows, blocks], and what reads them: the numbers of the
        groups that a row touches, and how far into the first of them it begins.
        """
        rows, blocks = largest.shape
        size = self.group * repeated
        begins = torch.arange(rows) * blocks
        touched = 1 + -(-(blocks - 1) // size)
        which = (begins[:, None] // size + torch.arange(touched)).clamp_max(len(self.groups) - 1)
        numbers = self.groups[which].view(torch.uint8)
        into = (begins % size).int()[:, None].contiguous().view(torch.uint8)
        table, offset, end = tuple(self.table.tolist()), self.offset, blocks + 4 * touched

        def read(data: torch.Tensor) -> torch.Tensor:
            scales = data[:, blocks:end].contiguous().view(torch.float32)
            first = data[:, end : end + 4].contiguous().view(torch.int32)
            places = (first + torch.arange(blocks, dtype=torch.int32, device=data.device)) // size
            values = _table(table, data.device)[data[:, :blocks].int()]
            return values * scales.gather(1, places.long()) + offset

        return torch.cat([largest, numbers, into], dim=1), read
