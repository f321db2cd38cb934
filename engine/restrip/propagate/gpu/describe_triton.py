"""Descriptors of patches as a Triton kernel: all is linear, so 16 numbers are one product with 7x7x3 samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

from restrip.propagate.describe import DETAIL, NUMBERS, TAPS, polynomials
from restrip.propagate.gpu.describe import ROOTS

BLOCK = 64


def describe(rgb: Tensor) -> Tensor:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8; edges repeat."""
    h, w = rgb.shape[:2]
    out = torch.empty((h, w, NUMBERS), dtype=torch.int16, device=rgb.device)
    grid = (triton.cdiv(h * w, BLOCK),)
    describe_kernel[grid](rgb.contiguous(), _table(rgb.device), out, h, w, TAPS=TAPS, N=NUMBERS, BLOCK=BLOCK)
    return out


@lru_cache(maxsize=4)
def _table(device: torch.device) -> Tensor:
    """[7, 7, 3, 16]: what each sample of a patch adds to each number, row, column and colour."""
    basis = polynomials()
    numbers = []
    for gains, orders in zip(ROOTS, (4, 2, 2), strict=True):
        for down in range(orders):
            for across in range(orders - down):
                patch = np.outer(basis[down], basis[across]) * (1.0 if across + down == 0 else DETAIL)
                numbers.append(patch[:, :, None] * np.float32(gains))
    return torch.tensor(np.stack(numbers, 3), dtype=torch.float32, device=device)


@triton.jit
def describe_kernel(rgb, table, out, h, w, TAPS: tl.constexpr, N: tl.constexpr, BLOCK: tl.constexpr):
    """Every pixel's product of the patch around it with the table."""
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < h * w
    at = tl.minimum(at, h * w - 1)
    x, y = at % w, at // w
    number = tl.arange(0, N)
    total = tl.zeros((BLOCK, N), tl.float32)
    for j in range(TAPS):
        line = tl.minimum(tl.maximum(y + (j - TAPS // 2), 0), h - 1) * w
        for i in tl.static_range(TAPS):
            there = (line + tl.minimum(tl.maximum(x + (i - TAPS // 2), 0), w - 1)) * 3
            for c in tl.static_range(3):
                sample = tl.load(rgb + there + c).to(tl.float32)
                total += sample[:, None] * tl.load(table + ((j * TAPS + i) * 3 + c) * N + number)[None, :]
    whole = tl.floor(total + 0.5).to(tl.int16)
    tl.store(out + at[:, None] * N + number[None, :], whole, mask=inside[:, None])
