"""Reading a key on the device in torch operations: the kernels of read_cpu.py, a band of rows at a time.

Light is a tensor [3]: the gain on the style's slopes, and the frame's exposure (gain, offset) against the key's; it
never leaves the device.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from restrip.propagate.energy.shading import REACH, RIDGE, STEEPEST
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.bands import bands, rows_for
from restrip.propagate.gpu.planes import unsigned

BYTES_A_PIXEL = 256  # of the band: two sums and a sample of eight channels, indices, weights


class Readable(Protocol):
    """A key: `packed` [H, W, 8] int16 and `slopes` [H, W, 3] float32, as KeyTensors has them."""

    @property
    def packed(self) -> Tensor: ...  # noqa: D102

    @property
    def slopes(self) -> Tensor: ...  # noqa: D102


def vote(frame: Tensor, key: Readable, field: Tensor, light: Tensor, rows: int = 0) -> tuple[Tensor, Tensor]:
    """Each pixel as the mean of what the 25 patches over it say: style [H, W, 3] (16 bit) and squared errors [H, W].

    `frame` is [H, W, 3] uint8, `field` [H, W, 2] int16.
    """
    h, w = field.shape[:2]
    style, errors = _empty(h, w, field.device)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=field.device)
        x, y = at % w, at // w
        sums = torch.zeros((len(at), 8), device=field.device)
        along = torch.zeros_like(sums)
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                inside = (x + dx >= 0) & (x + dx < w) & (y + dy >= 0) & (y + dy < h)
                there = (y + dy).clamp(0, h - 1) * w + (x + dx).clamp(0, w - 1)
                cx, cy = field.view(-1, 2)[there].to(torch.int64).unbind(1)
                place = (cy - dy).clamp(0, h - 1) * w + (cx - dx).clamp(0, w - 1)
                sample = unsigned(key.packed.view(-1, 8)[place]) * inside[:, None]
                sums += sample
                along += sample[:, 6:7] * sample
        mean = sums / sums[:, 7:]
        along /= sums[:, 7:]
        seen = frame.view(-1, 3)[at].to(torch.float32)
        told, missing = _exposed(mean, seen, light)
        centre = field.view(-1, 2)[at].to(torch.int64)
        near = key.slopes.view(-1, 3)[centre[:, 1] * w + centre[:, 0]]
        luma = mean[:, 6:7]
        loose = 1 / ((along[:, 6:7] - luma * luma) / 4096 + RIDGE)
        slope = (along[:, :3] - luma * mean[:, :3]) / 64 * loose + RIDGE * loose * near
        told += _light(missing, light) * slope.clamp_(-STEEPEST * CODE, STEEPEST * CODE)
        style[first:end], errors[first:end] = _shaped(told, missing, end - first, w)
    return style, errors


def read(frame: Tensor, key: Readable, flow: Tensor, light: Tensor, rows: int = 0) -> tuple[Tensor, Tensor]:
    """The key seen through the motion [H, W, 2] (cubic; edges repeat): style [H, W, 3] and squared errors [H, W]."""
    h, w = flow.shape[:2]
    style, errors = _empty(h, w, flow.device)
    for first, end in bands(h, rows or rows_for(w, BYTES_A_PIXEL)):
        at = torch.arange(first * w, end * w, device=flow.device)
        lead = flow.reshape(-1, 2)[at]
        fx, fy = (at % w + lead[:, 0]).clamp(0, w - 1), (at // w + lead[:, 1]).clamp(0, h - 1)
        ix, iy = fx.to(torch.int64), fy.to(torch.int64)
        across, down = _cubic(fx - ix), _cubic(fy - iy)
        told = torch.zeros((len(at), 8), device=flow.device)
        for j in range(4):
            row = (iy + j - 1).clamp(0, h - 1) * w
            for i in range(4):
                sample = unsigned(key.packed.view(-1, 8)[row + (ix + i - 1).clamp(0, w - 1)])
                told += (down[j] * across[i])[:, None] * sample
        style_there, missing = _exposed(told, frame.view(-1, 3)[at].to(torch.float32), light)
        place = (fy + 0.5).to(torch.int64) * w + (fx + 0.5).to(torch.int64)
        style_there += _light(missing, light) * key.slopes.view(-1, 3)[place]
        style[first:end], errors[first:end] = _shaped(style_there, missing, end - first, w)
    return style, errors


def _empty(h: int, w: int, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.empty((h, w, 3), device=device), torch.empty((h, w), device=device)


def _shaped(style: Tensor, missing: Tensor, h: int, w: int) -> tuple[Tensor, Tensor]:
    return style.view(h, w, 3), (missing * missing).sum(1).view(h, w)


def _exposed(told: Tensor, seen: Tensor, light: Tensor) -> tuple[Tensor, Tensor]:
    """Style of the key's samples [N, 8] in the frame's light, and what the frame [N, 3] has beyond its own."""
    style = torch.addcmul(light[2] * CODE, told[:, :3], light[1])
    return style, seen - torch.addcmul(light[2], told[:, 3:6], light[1])


def _light(missing: Tensor, light: Tensor) -> Tensor:
    luma = 0.299 * missing[:, :1] + 0.587 * missing[:, 1:2] + 0.114 * missing[:, 2:]
    return light[0] * luma.clamp_(-REACH, REACH)


def _cubic(t: Tensor) -> tuple[Tensor, ...]:
    """Catmull-Rom weights of the four samples around a fraction t."""
    return (
        0.5 * t * ((2 - t) * t - 1),
        0.5 * ((3 * t - 5) * t * t + 2),
        0.5 * t * ((4 - 3 * t) * t + 1),
        0.5 * t * t * (t - 1),
    )
