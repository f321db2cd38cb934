"""When each place is handed over, on the device: as the CPU's handover.py has it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.handover import (
    AROUND,
    BORDER,
    MOST_STRONGER,
    PLAIN,
    SOFT,
    STEEP,
    STRONGER,
    SURE,
    shorter,
    window,
)
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.filters import gaussian, mean
from restrip.propagate.gpu.planes import shrunk
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.paint import LaidTensors
from restrip.propagate.gpu.transfers import Coming
from restrip.propagate.handover_times import small_size, times_of


class HandOverTensors:
    """The times of a left key's places in 0..1 of the fade; they are waited for when they are first read.

    A pixel is `pixel` long (`Effort.pixel`).
    """

    def __init__(self, found: Callable[[], Tensor], pixel: float = 1.0) -> None:
        self._found, self._pixel = found, pixel

    @classmethod
    def of(cls, left: Tensor, right: Tensor, pixel: float = 1.0) -> HandOverTensors:
        """Of the left key [3, H, W] and the right key as it is at the left key's frame, both in 16-bit code values.

        The cells are found on the host, by a thread beside what is started on the device next.
        """
        size = left.shape[2], left.shape[1]
        few = small_size(size, pixel)
        fitted = shrunk if few[0] <= size[0] else _enlarged
        small = torch.stack([fitted(picture, few) for picture in (left, right)]) / CODE
        coming = Coming(small.permute(0, 2, 3, 1).contiguous())
        cells = _finder().submit(lambda: times_of(*coming.array()))
        return cls(lambda: _full(cells.result(), size, left.device), pixel)

    @cached_property
    def times(self) -> Tensor:
        """[H, W] float32."""
        return self._found()

    def at(self, begun: Tensor, left: LaidTensors, right: LaidTensors, stages: Stages) -> Tensor:
        """How much of a frame is the right key's, [H, W] in 0..1; `begun` are the times that are half handed over."""
        known = stages.filtered((right.worth / left.worth).log_()[None], gaussian(AROUND * self._pixel))[0]
        turn = (begun - (1 - SOFT) * stages.taken_at(self.times, left.field)).add_(known, alpha=SURE)
        across = begun + SOFT / 2
        turn.addcmul_(self._stronger(left, right, stages), across * (1 - across), value=4)
        h, w = turn.shape
        hard = turn.div_(SOFT).add_(0.5).clamp_(0, 1)
        most = stages.filtered(hard[None], gaussian(shorter((w, h), self._pixel)), mirrored=True)[0]
        turn = most.sub_(0.5).mul_(STEEP).add_(0.5).clamp_(0, 1)
        turn = turn.square() * (3 - 2 * turn)
        return stages.filtered(turn[None], gaussian(BORDER), mirrored=True)[0]

    def _stronger(self, left: LaidTensors, right: LaidTensors, stages: Stages) -> Tensor:
        """How much earlier each place is handed over in the fade's middle: where the right key's strokes stand out."""
        a, b = stages.filtered(torch.stack([left.energy, right.energy]), mean(window(self._pixel))).add_(PLAIN)
        apart = b.div_(a).log_().mul_(STRONGER)
        return apart.sub_(apart.mean()).clamp_(-MOST_STRONGER, MOST_STRONGER)


def _enlarged(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture [3, H, W] at a larger (width, height)."""
    return F.interpolate(picture[None], size[::-1], mode="bilinear", align_corners=False)[0]


@lru_cache(maxsize=1)
def _finder() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "cells")


def _full(times: npt.NDArray[np.float32], size: tuple[int, int], device: torch.device) -> Tensor:
    """The nearest time for each pixel of (width, height)."""
    rows, columns = (
        torch.from_numpy(np.minimum((np.arange(full) * (few / full)).astype(np.int64), few - 1)).to(device)
        for full, few in zip(size[::-1], times.shape, strict=True)
    )
    return torch.from_numpy(times).to(device)[rows[:, None], columns]
