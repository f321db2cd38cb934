"""Separable filters on the device in torch operations: means, and what OpenCV's GaussianBlur of floats does."""

from __future__ import annotations

from functools import lru_cache
from math import exp

import torch
from torch import Tensor

Taps = tuple[float, ...]  # an odd number of them


@lru_cache(maxsize=16)
def gaussian(sigma: float) -> Taps:
    """The taps of a Gaussian of so many pixels, as many as OpenCV takes for floats: 8 sigma + 1, made odd."""
    half = (round(8 * sigma + 1) | 1) // 2
    taps = [exp(-(x * x) / (2 * sigma * sigma)) for x in range(-half, half + 1)]
    return tuple(tap / sum(taps) for tap in taps)


def mean(window: int) -> Taps:
    """The taps of a mean over so many pixels."""
    return (1 / window,) * window


def filtered(planes: Tensor, taps: Taps, mirrored: bool = False) -> Tensor:
    """Planes [N, H, W] float32 filtered across and down; edges repeat, or mirror at the middle of the edge pixel."""
    half = len(taps) // 2
    for axis in (2, 1):
        length = planes.shape[axis]
        padded = planes.index_select(axis, _edges(length, half, mirrored, planes.device))
        lines = [padded.narrow(axis, n, length) for n in range(len(taps))]
        planes = lines[half] * taps[half]
        for n in range(half):
            planes.add_(lines[n] + lines[-1 - n], alpha=taps[n])
    return planes


@lru_cache(maxsize=64)
def _edges(length: int, half: int, mirrored: bool, device: torch.device) -> Tensor:
    """Which pixels of a side stand for those from `half` before it to `half` behind it."""
    at = torch.arange(-half, length + half, device=device)
    if not mirrored:
        return at.clamp_(0, length - 1)
    period = max(2 * (length - 1), 1)
    at = at.remainder_(period)
    return torch.minimum(at, period - at).clamp_(max=length - 1)


def steepness(planes: Tensor) -> Tensor:
    """Squared gradients of planes [N, H, W], both directions and all planes added, [1, H, W] (Sobel's, an eighth)."""
    across, down = (part.square_().sum(0, keepdim=True) for part in sobel(planes))
    return across.add_(down)


def sobel(planes: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of planes [N, H, W] across and down, a pixel (Sobel's, an eighth); edges mirror."""
    h, w = planes.shape[1:]
    for axis, length in ((2, w), (1, h)):
        planes = planes.index_select(axis, _edges(length, 1, True, planes.device))
    rows = torch.add(planes[:, :-2] + planes[:, 2:], planes[:, 1:-1], alpha=2)
    columns = torch.add(planes[..., :-2] + planes[..., 2:], planes[..., 1:-1], alpha=2)
    return (rows[..., 2:] - rows[..., :-2]) / 8, (columns[:, 2:] - columns[:, :-2]) / 8
