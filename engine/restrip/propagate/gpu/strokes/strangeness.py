"""How strange two keys are in detail, place by place, found on the device: as propagate/strangeness.py has it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian
from restrip.propagate.gpu.mixing import weights_of
from restrip.propagate.gpu.planes import shrunk
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.strangeness import (
    AGREED,
    ALIKE,
    APART,
    FEW,
    KNOWN,
    LIKELY,
    MOVING,
    PLAIN,
    SCALES,
    SMALL,
    STILL,
    STRANGE,
    WIDE,
)


def parts_of(left: Tensor, style: Tensor, errors: Tensor, flow: Tensor, stages: Stages) -> Tensor:
    """How far strokes are kept whole at each place of the left key, [H, W] in 0..1.

    `left` is its picture and `style` the right key's carried to its frame along `flow` [H, W, 2], both [H, W, 3] in
    16-bit code values; `errors` [H, W] how badly that rebuilds the frame, squared.
    """
    overall, places = _strange(left, style, errors, flow, stages)
    parts = torch.maximum(_step(overall, ALIKE, STRANGE) * _step(places, *AGREED), _step(places, *APART))
    whole, averaged = ((wanted.to(torch.float32).mean() < FEW) for wanted in (parts < 1, parts > 0))
    return torch.where(averaged, 0.0, torch.where(whole, 1.0, parts))


def _strange(left: Tensor, style: Tensor, errors: Tensor, flow: Tensor, stages: Stages) -> tuple[Tensor, Tensor]:
    """Overall, a number; and at each place, [H, W]."""
    worth = weights_of(errors[None], stages.filtered)[0]
    worth = torch.where(worth <= KNOWN, 0.0, worth)
    moves = stages.filtered(torch.hypot(flow[..., 0], flow[..., 1])[None], gaussian(2), mirrored=True)[0]
    moving = ((moves - MOVING[0]) / (MOVING[1] - MOVING[0])).clamp_(STILL, 1)
    a, b = (picture.permute(2, 0, 1) / CODE for picture in (left, style))
    overall, places = worth.new_ones(()), worth.new_ones((1, 1))
    for scale in SCALES:
        ours, theirs = (picture - stages.filtered(picture, gaussian(scale), mirrored=True) for picture in (a, b))
        differing = worth * (ours - theirs).square_().sum(0)
        energy = worth * (ours.square_().sum(0) + theirs.square_().sum(0) + PLAIN)
        ratio = (moving * differing).sum() / ((moving * energy).sum() + 1e-6)
        likely = LIKELY * energy.sum() / (worth.sum() + 1e-6) + 1e-6
        overall = overall * ratio
        places = places * ((_around(differing, stages) + likely * ratio) / (_around(energy, stages) + likely))
    full = F.interpolate(places.sqrt()[None, None], errors.shape, mode="bilinear", align_corners=False)
    return overall.sqrt(), full[0, 0]


def _around(values: Tensor, stages: Stages) -> Tensor:
    """The mean around each of so many small places."""
    h, w = values.shape
    small = shrunk(values[None], (max(1, w // SMALL), max(1, h // SMALL)))
    return stages.filtered(small, gaussian(min(h, w) / WIDE / SMALL))[0]


def _step(value: Tensor, low: float, high: float) -> Tensor:
    over = ((value - low) / (high - low)).clamp(0, 1)
    return over * over * (3 - 2 * over)
