"""Pictures as tensors: read between their pixels, averaged."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def unsigned(bits: Tensor) -> Tensor:
    """float32 of 16-bit code values kept in int16."""
    return bits.to(torch.int32).bitwise_and_(0xFFFF).to(torch.float32)


def planar(rgb: Tensor) -> Tensor:
    """[3, H, W] float32 of a picture [H, W, 3] uint8."""
    return rgb.permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)


def gray_of(rgb: Tensor) -> Tensor:
    """Luma [H, W] of a picture [H, W, 3] uint8: float32 of whole numbers, those of the CPU's gray."""
    r, g, b = rgb.to(torch.int32).unbind(2)
    return ((9798 * r + 19235 * g + 3735 * b + (1 << 14)) >> 15).to(torch.float32)


@lru_cache(maxsize=64)
def _ruler(length: int, device: torch.device) -> tuple[Tensor, float]:
    """Pixel centres of a side in -1..1, and a pixel in the same unit."""
    unit = 2 / max(length - 1, 1)
    return torch.arange(length, device=device, dtype=torch.float32) * unit - 1, unit


def pull(planes: Tensor, flow: Tensor) -> Tensor:
    """Planes [B, C, H, W] float32 seen through flows [B, H, W, 2], linear; edges repeat."""
    h, w = flow.shape[1:3]
    (across, x_unit), (down, y_unit) = _ruler(w, flow.device), _ruler(h, flow.device)
    at = torch.empty_like(flow)
    torch.add(across, flow[..., 0], alpha=x_unit, out=at[..., 0])
    torch.add(down[:, None], flow[..., 1], alpha=y_unit, out=at[..., 1])
    return F.grid_sample(planes, at, mode="bilinear", padding_mode="border", align_corners=True)


def box(planes: Tensor, window: int) -> Tensor:
    """Planes [B, C, H, W] averaged over a window; edges mirror, as OpenCV's blur has them."""
    half = window // 2
    mode = "reflect" if min(planes.shape[2:]) > half else "replicate"
    padded = F.pad(planes, (half, half, half, half), mode=mode)
    return F.avg_pool2d(F.avg_pool2d(padded, (1, window), 1), (window, 1), 1)


def shrunk(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """Planes [C, H, W] at a smaller (width, height), each pixel the mean of what it covers."""
    h, w = planes.shape[1:]
    if w % size[0] or h % size[1]:
        return blocks_of(planes, size)
    return F.avg_pool2d(planes[None], (h // size[1], w // size[0]))[0]


def blocks_of(planes: Tensor, blocks: tuple[int, int]) -> Tensor:
    """Means of planes [C, H, W] over (across, down) blocks that share the pixels between them; [C, down, across]."""
    across, down = (_shares(planes.shape[2 - n], blocks[n], planes.device) for n in (0, 1))
    # In double precision, because a look may have allowed products in less than single.
    return (down @ planes.to(torch.float64) @ across.T).to(torch.float32)


@lru_cache(maxsize=16)
def _shares(length: int, blocks: int, device: torch.device) -> Tensor:
    edges = np.linspace(0, length, blocks + 1)
    pixels = np.arange(length)
    covered = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return torch.tensor(np.clip(covered, 0, 1) * blocks / length, dtype=torch.float64, device=device)
