"""How much each key counts in the renditions of each frame, where kernels can read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from restrip.propagate.energy.detail_selection import odds_of
from restrip.propagate.energy.handover import SOFT
from restrip.propagate.energy.mix_weights import MixWeights

MOST = 3  # renditions
NUMBERS = 16  # a frame, so that each frame's begin where kernels read well


@dataclass(frozen=True, eq=False)
class Shares:
    """The weights of one frame's renditions.

    `numbers` [NUMBERS] holds on the device: (left, right, log odds of the right one's details) of each of MOST
    renditions, and how far across the fade a place must lie to be half handed over.
    """

    weights: tuple[MixWeights, ...]
    numbers: Tensor

    @property
    def begun(self) -> Tensor:
        """How far across the fade a place must lie to be half handed over."""
        return self.numbers[3 * MOST]


def shares_of(frames: Sequence[Sequence[MixWeights]], across: Sequence[float], device: torch.device) -> list[Shares]:
    """Those of several frames, which go up at once; `across` is how far across the fade each frame lies, 0..1."""
    table = []
    for weights, far in zip(frames, across, strict=True):
        row = [number for w in weights for number in (w.left, w.right, odds_of(w.left, w.right))]
        row += [0.0] * (3 * MOST - len(row))
        table.append([*row, far - SOFT / 2, *[0.0] * (NUMBERS - len(row) - 1)])
    numbers = torch.tensor(table, dtype=torch.float32).view(-1, NUMBERS).to(device)
    return [Shares(tuple(weights), row) for weights, row in zip(frames, numbers, strict=True)]
