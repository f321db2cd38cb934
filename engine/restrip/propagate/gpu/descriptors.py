"""Descriptors of patches on the device, in torch operations: describe.py has what they mean."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.descriptors import DETAIL, NUMBERS, TAPS, polynomials
from restrip.propagate.gpu.bands import bands, rows_for

ROOTS = ((0.57735027, 0.57735027, 0.57735027), (0.70710678, 0.0, -0.70710678), (0.40824829, -0.81649658, 0.40824829))

BYTES_A_PIXEL = 192  # of the band: the numbers twice in float32, planes


def describe(rgb: Tensor, rows: int = 0) -> Tensor:
    """Descriptors [H, W, 16] int16 of a picture [H, W, 3] uint8, `rows` at a time (0: as many as fit)."""
    h, w = rgb.shape[:2]
    half = TAPS // 2
    basis = basis_on(rgb.device)
    out = torch.empty((h, w, NUMBERS), dtype=torch.int16, device=rgb.device)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        top, bottom = max(first - half, 0), min(end + half, h)
        planes = rgb[top:bottom].permute(2, 0, 1).to(torch.float32)
        planes = torch.stack([sum(p * g for p, g in zip(planes, gains, strict=True)) for gains in ROOTS])
        margins = (half, half, half - (first - top), half - (bottom - end))
        out[first:end] = _projected(F.pad(planes[None], margins, mode="replicate")[0], basis)
    return out


@lru_cache(maxsize=4)
def basis_on(device: torch.device) -> Tensor:
    """The polynomials that patches are projected to, [orders, TAPS] float32 on the device."""
    return torch.tensor(polynomials(), device=device).contiguous()


def _projected(planes: Tensor, basis: Tensor) -> Tensor:
    """[h, w, 16] of luma and two chromas [3, h + 6, w + 6]."""
    numbers = []
    for plane, orders in zip(planes, (4, 2, 2), strict=True):
        h, w = plane.shape[0] - TAPS + 1, plane.shape[1] - TAPS + 1
        for down in range(orders):
            lines = sum(basis[down, j] * plane[j : j + h] for j in range(TAPS))
            for across in range(orders - down):
                number = sum(basis[across, i] * lines[:, i : i + w] for i in range(TAPS))
                numbers.append(number * (1.0 if across + down == 0 else DETAIL))
    return torch.stack(numbers, 2).round_().to(torch.int16)
