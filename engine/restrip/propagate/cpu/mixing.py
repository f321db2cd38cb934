"""From weighted predictions to the renditions of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Picture, empty_picture
from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.kernels.mixing import add, mix, mix_apart
from restrip.propagate.cpu.predictors import StylePrediction
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.energy.style import CODE


@dataclass(frozen=True, eq=False)
class Votes:
    """What one key says of a frame: the weighted sum of its predictions [H, W, 3] float32, and the weights [H, W]."""

    total: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]

    @classmethod
    def none(cls, size: tuple[int, int]) -> Votes:
        """Nothing said yet of a frame of (width, height)."""
        return cls(np.zeros((size[1], size[0], 3), np.float32), np.zeros((size[1], size[0]), np.float32))

    def add(self, prediction: StylePrediction) -> None:
        """Count a prediction by its worth."""
        add(prediction.style, weight_of(prediction.errors), self.total, self.weight)


def rendered(left: Votes, right: Votes, shares: MixWeights, deep: bool, strokes: Strokes | None = None) -> Picture:
    """Both keys' predictions by their shares: [H, W, 3] uint16 if deep, else uint8.

    With `strokes` each place shows the strokes of one of them; without, they are averaged.
    """
    out = empty_picture(left.total.shape, deep)
    scale, top = np.float32(1.0 if deep else 1 / CODE), np.float32(65535 if deep else 255)
    a, b = np.float32(shares.left), np.float32(shares.right)
    both = left.total, left.weight, a, right.total, right.weight, b, scale, top
    if strokes is None or not (a and b and strokes.apart.any()):
        mix(*both, out)
        return out
    cells = np.stack([strokes.apart, strokes.turned(shares.left, shares.right), *strokes.low])
    mix_apart(*both, strokes.cell, cells, out)
    return out
