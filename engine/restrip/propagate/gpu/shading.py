"""The light that a key didn't have, found without leaving the device (shading.py has the arithmetic)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from restrip.propagate.energy.shading import BLOCKS, LEAST_GAIN, PLAIN, RIDGE, SLIGHT, STEEPEST, USUAL_GAIN, WINDOW
from restrip.propagate.gpu.planes import blocks_of, box


def exposure(frame: Tensor, key: Tensor) -> Tensor:
    """[gain, offset] of a whole frame [3, H, W] against a key that shows the same, as `shading.exposure`."""
    h, w = frame.shape[1:]
    blocks = (min(BLOCKS[0], w), min(BLOCKS[1], h))
    a, b = (blocks_of(p, blocks).mean(0).flatten() for p in (key, frame))
    change = (b - a).square().mean().sqrt()
    a_mean, b_mean = a.mean(), b.mean()
    spread = (a - a_mean).square().mean() + 1
    gain = (((a - a_mean) * (b - b_mean)).mean() / spread).clamp(0, 4)
    offset = b_mean - gain * a_mean
    left = (b - gain * a - offset).square().mean()
    explained = 1 - left / change.square().clamp_min(1e-6)
    plain = ((change - SLIGHT) / (PLAIN - SLIGHT)).clamp(0, 1)
    return partly(torch.stack([gain, offset]), ((explained - 0.7) / 0.2).clamp(0, 1) * plain)


def partly(light: Tensor, strength: Tensor | float) -> Tensor:
    """So far from the key's exposure towards `light` [gain, offset]."""
    same = _same(light.device)
    return same + strength * (light - same)


def exposed(planes: Tensor, light: Tensor) -> Tensor:
    """Code values of the key, exposed as the frame: whole numbers in 0..255, as the CPU has them."""
    return torch.addcmul(light[1], planes, light[0]).round_().clamp_(0, 255)


def relit(planes: Tensor, light: Tensor, other: Tensor) -> Tensor:
    """Code values of a frame of this exposure in another one; as they are where too little is left of it."""
    change = torch.where(light[0] < LEAST_GAIN, 1.0, other[0] / light[0].clamp_min(LEAST_GAIN))
    offset = torch.where(light[0] < LEAST_GAIN, 0.0, other[1] - change * light[1])
    return exposed(planes, torch.stack([change, offset]))


@lru_cache(maxsize=4)
def _same(device: torch.device) -> Tensor:
    return torch.tensor((1.0, 0.0), device=device)


def slopes(luma: Tensor, style: Tensor) -> Tensor:
    """How style [H, W, 3] (16 bit) follows luma [H, W] (0..255), [H, W, 3]; `shading.slopes` on the device."""
    flat = style.permute(2, 0, 1)
    means = box(torch.cat([luma[None], (luma * luma)[None], flat, flat * luma])[None], WINDOW)[0]
    centre, spread = means[0], means[1] - means[0] * means[0] + RIDGE
    along = (means[5:] - means[2:5] * centre) / spread
    return along.clamp_(-STEEPEST * 257, STEEPEST * 257).permute(1, 2, 0).contiguous()


def learned_gain(plain: Tensor, moved: Tensor, truth: Tensor, worth: Tensor) -> Tensor:
    """`shading.learned_gain` on the device: a number, 0..1.2, as a tensor."""
    correction, wanted = (moved - plain).flatten(0, 1), (truth - plain).flatten(0, 1)
    w = (worth / worth.sum().clamp_min(1e-6)).view(-1, 1)
    correction = correction - (w * correction).sum(0)
    wanted = (wanted - (w * wanted).sum(0)).clamp(-60, 60)
    doubt = 0.02
    along = (w * correction * wanted).sum() + doubt * USUAL_GAIN
    return (along / ((w * correction * correction).sum() + doubt)).clamp(0, 1.2)
