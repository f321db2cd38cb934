"""Weights as they lie on disk, in few bits, which become numbers only while they are used.

    8-bit floats    value = stored * scale, one scale or one for each row
    NF4, FP4        blocks of codes with a scale for each block
    GGUF            blocks of small integers with scales of their own
    half floats     as they are: a network in full precision need not hold twice as much

A layer with such weights takes the memory of its file in every precision, and its copies in other precisions share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch

HALVES = {torch.float16: "float16", torch.bfloat16: "bfloat16"}
EIGHTS = {torch.float8_e4m3fn: "float8_e4m3fn", torch.float8_e5m2: "float8_e5m2"}
FLOATS = {kind: dtype for dtype, kind in (HALVES | EIGHTS).items()}

# Makes numbers of a GGUF kind's bytes [rows, bytes], of that type.
Unpack = Callable[[torch.Tensor, torch.dtype], torch.Tensor]


@dataclass(frozen=True, eq=False)
class Packed:
    """A weight of `shape` (rows, columns): `data` [rows, bytes] uint8, of the `kind` "bfloat16", "float8_e4m3fn", or
    "nf4" or a GGUF kind such as "Q4_K" with its `unpack`. `scale` [1] or [rows] float32 multiplies 8-bit floats.
    """

    data: torch.Tensor
    kind: str
    shape: tuple[int, ...]
    scale: torch.Tensor | None = None
    unpack: Unpack | None = None

    @classmethod
    def of_floats(cls, values: torch.Tensor, scale: torch.Tensor | None = None) -> Packed:
        """Half or 8-bit floats [rows, columns] as they are."""
        kind = (HALVES | EIGHTS)[values.dtype]
        return cls(values.contiguous().view(torch.uint8), kind, tuple(values.shape), scale)

    def unpacked(self, dtype: torch.dtype) -> torch.Tensor:
        """The numbers, [rows, columns] of `dtype`."""
        if self.kind not in FLOATS:
            assert self.unpack is not None
            return self.unpack(self.data, dtype).reshape(self.shape).to(dtype)
        values = self.data.view(FLOATS[self.kind]).to(dtype)
        return values if self.scale is None else values * self.scale.to(values).reshape(-1, 1)

    def chunk(self, count: int) -> list[Packed]:
        """Its rows in so many equal parts."""
        rows = self.shape[0] // count
        scales = [self.scale] * count
        if self.scale is not None and self.scale.numel() == self.shape[0] > 1:
            scales = list(self.scale.flatten().chunk(count))
        return [
            replace(self, data=data, shape=(rows, *self.shape[1:]), scale=scale)
            for data, scale in zip(self.data.chunk(count), scales, strict=True)
        ]


class PackedLinear(torch.nn.Module):
    """A linear layer whose weight stays packed. It computes in its input's precision.

    What add-ons change lies beside it in few numbers (`add`), so that the file's weights stay as they are.
    """

    def __init__(self, packed: Packed, bias: torch.Tensor | None = None) -> None:
        super().__init__()
        self.packed = replace(packed, data=torch.empty(0))  # all but the bytes, which move from device to device
        self.register_buffer("data", packed.data, persistent=False)
        self.bias = None if bias is None else torch.nn.Parameter(bias, requires_grad=False)
        self.added = torch.nn.ParameterList()
        self.out_features, self.in_features = packed.shape

    @property
    def stored(self) -> Packed:
        """The weight as it lies in memory."""
        data = self.data
        assert isinstance(data, torch.Tensor)
        return replace(self.packed, data=data)

    @property
    def weight(self) -> torch.Tensor:
        """The weight in full precision, [out, in], with all that was added."""
        whole = self.stored.unpacked(torch.float32)
        for number in range(0, len(self.added), 2):
            whole = whole + self.added[number + 1].float() @ self.added[number].float()
        return whole

    def add(self, down: torch.Tensor, up: torch.Tensor) -> None:
        """Change the weight by up [out, rank] @ down [rank, in]."""
        for part in (down, up):
            self.added.append(torch.nn.Parameter(part.to(self.stored.data.device), requires_grad=False))

    def become(self, weight: torch.Tensor) -> None:
        """Take another weight [out, in], in bfloat16: for changes that don't fit into few numbers."""
        self.packed = replace(self.packed, kind="bfloat16", scale=None, unpack=None, data=torch.empty(0))
        self.data = weight.to(self.stored.data.device, torch.bfloat16).contiguous().view(torch.uint8)
        self.added = torch.nn.ParameterList()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[..., in] to [..., out], of x's type."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        out = torch.nn.functional.linear(x, self.stored.unpacked(x.dtype), bias)
        for number in range(0, len(self.added), 2):
            down, up = self.added[number].to(x.dtype), self.added[number + 1].to(x.dtype)
            out = out + torch.nn.functional.linear(torch.nn.functional.linear(x, down), up)
        return out

    def __deepcopy__(self, memo: dict[int, Any]) -> PackedLinear:
        """A layer of its own that shares the bytes, which nothing writes to."""
        copy = PackedLinear(self.stored, None if self.bias is None else self.bias.detach().clone())
        for part in self.added:
            copy.added.append(torch.nn.Parameter(part.detach().clone(), requires_grad=False))
        memo[id(self)] = copy
        return copy.train(self.training)
