"""A frame of strokes that are whole, on the device: as the CPU's crisp.py has it."""

from __future__ import annotations

import torch
from torch import Tensor

from restrip.propagate.energy.crisp import AROUND, LEAST, MOST, PLAIN, SOFT
from restrip.propagate.energy.paint import FINE
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian, mean
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.paint import LaidTensors, taken_at


def crisp(left: LaidTensors, right: LaidTensors, turn: Tensor, stages: Stages) -> Tensor:
    """Both keys' pieces by `turn` [H, W], how much is the right one's: planes [3, H, W] in 16-bit code values.

    Where two keys' paint meets, and where pieces are small, some of the fine detail is lost or gained: it is brought
    back to what the keys have there.
    """
    mixed = torch.lerp(left.picture, right.picture, turn)
    wanted = torch.lerp(left.energy, right.energy, turn)
    fine = mixed - stages.filtered(mixed, gaussian(FINE), mirrored=True)
    energy = (fine / CODE).square_().sum(0)
    wanted, energy = stages.filtered(torch.stack([wanted, energy]), mean(AROUND[0])).add_(PLAIN)
    gain = wanted.div_(energy).sqrt_().clamp_(LEAST, MOST).sub_(1)
    return mixed.addcmul_(gain, fine)


def carried(parts: Tensor, field: Tensor, stages: Stages) -> Tensor:
    """What holds at each place of a key, [H, W], where a field shows these places; without a step at seams."""
    return stages.filtered(taken_at(parts, field)[None], gaussian(SOFT))[0]


def coded(planes: list[Tensor], deep: bool) -> Tensor:
    """Pictures of planes [3, H, W] in 16-bit code values: [N, H, W, 3] uint8, or if deep 16-bit values in int16."""
    scale, top = (1.0, 65535) if deep else (1 / CODE, 255)
    h, w = planes[0].shape[1:]
    out = planes[0].new_empty((len(planes), h, w, 3), dtype=torch.int16 if deep else torch.uint8)
    for picture, into in zip(planes, out, strict=True):
        whole = (picture * scale).add_(0.5).clamp_(0, top).permute(1, 2, 0)
        into.copy_(whole.to(torch.int32) if deep else whole)
    return out
