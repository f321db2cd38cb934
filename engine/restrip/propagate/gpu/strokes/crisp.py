"""A frame of strokes that are whole, on the device: as the CPU's crisp.py has it."""

from __future__ import annotations

import torch
from torch import Tensor

from restrip.propagate.energy.crisp import AROUND, AROUND_KNOWN, KNOWN, LEAST, MOST, PLAIN, SOFT, SOFT_KNOWN
from restrip.propagate.energy.paint import FINE
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian, mean
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.paint import LaidTensors


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
    return stages.filtered(stages.taken_at(parts, field)[None], gaussian(SOFT))[0]


def known(worth: Tensor, stages: Stages) -> Tensor:
    """How far one key alone knows each place, [H, W] in 0..1, of what its pieces are worth there."""
    around = stages.filtered(worth[None], gaussian(AROUND_KNOWN))
    over = ((around - KNOWN[0]) / (KNOWN[1] - KNOWN[0])).clamp_(0, 1)
    return stages.filtered(over.square() * (3 - 2 * over), gaussian(SOFT_KNOWN))[0]
