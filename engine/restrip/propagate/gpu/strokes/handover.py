"""When each place is handed over, on the device: as the CPU's handover.py has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restrip.propagate.energy.handover import BORDER, SOFT, SURE
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian
from restrip.propagate.gpu.planes import shrunk
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.paint import LaidTensors
from restrip.propagate.handover_times import small_size, times_of


class HandOverTensors:
    """The times [H, W] of a left key's places in 0..1 of the fade."""

    def __init__(self, times: Tensor) -> None:
        self.times = times

    @classmethod
    def of(cls, left: Tensor, right: Tensor) -> HandOverTensors:
        """Of the left key [3, H, W] and the right key as it is at the left key's frame, both in 16-bit code values.

        The cells are found on the host: this waits for the device, once a segment.
        """
        h, w = left.shape[1:]
        small = small_size((w, h))
        times = times_of(*arrived(torch.stack([shrunk(picture, small) for picture in (left, right)]) / CODE))
        rows, columns = (
            torch.from_numpy(np.minimum((np.arange(full) * (few / full)).astype(np.int64), few - 1)).to(left.device)
            for full, few in zip((h, w), times.shape, strict=True)
        )
        return cls(torch.from_numpy(times).to(left.device)[rows[:, None], columns])

    def at(self, begun: Tensor, left: LaidTensors, right: LaidTensors, stages: Stages) -> Tensor:
        """How much of a frame is the right key's, [H, W] in 0..1; `begun` are the times that are half handed over."""
        known = stages.filtered((right.worth / left.worth).log_()[None], gaussian(4))[0]
        turn = (begun - (1 - SOFT) * stages.taken_at(self.times, left.field)).add_(known, alpha=SURE)
        turn = turn.div_(SOFT).add_(0.5).clamp_(0, 1)
        turn = turn.square() * (3 - 2 * turn)
        return stages.filtered(turn[None], gaussian(BORDER), mirrored=True)[0]


def arrived(pictures: Tensor) -> npt.NDArray[np.float32]:
    """Pictures [N, 3, H, W] of the device as [N, H, W, 3] on the host."""
    return np.ascontiguousarray(pictures.permute(0, 2, 3, 1).cpu().numpy())
