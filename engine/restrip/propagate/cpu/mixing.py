"""From weighted predictions to the renditions of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Picture, empty_picture
from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.exemplar import CODE
from restrip.propagate.cpu.kernels.mixing import add, mix, mix_apart
from restrip.propagate.cpu.predictors import StylePrediction
from restrip.timeline import FrameRange

LEAST_SHARE = 1e-3  # a strip is its own key's where all shares vanish


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


@dataclass(frozen=True)
class MixWeights:
    """How much each key counts in one rendition of a frame, beside what its predictions are worth."""

    left: float
    right: float


def mix_weights_at(
    frame: int, keys: tuple[int, int], fade: FrameRange | None, lean: float
) -> tuple[MixWeights, MixWeights, MixWeights]:
    """The shares in the left, the right and the joint rendition of `frame` between two keys.

    Jointly each key counts by the root of its nearness in time. In a rendition the other key is damped, by `lean` where
    that rendition shows alone, and not at all from the fade's middle on:

        left's    lean ____/'''''''   right's   '''''''\\____ lean
                       [ fade ]                    [ fade ]

    In the middle both renditions are the joint mix, so the crossfade is between pictures that agree. Without any lean
    each rendition is its own key's alone, in the fade too.
    """
    left, right = keys
    fade = FrameRange(left, right) if fade is None else fade
    across = (frame - left) / (right - left)
    near, far = sqrt(1 - across), sqrt(across)
    middle, half = (fade.first + fade.end) / 2, max(len(fade) / 2, 0.5)
    into = min(max((frame - middle + half) / half, 0.0), 1.0)
    out_of = min(max((middle + half - frame) / half, 0.0), 1.0)
    damped = [lean + (1 - lean) * arrived if lean else 0.0 for arrived in (into, out_of)]
    return (
        MixWeights(max(near, LEAST_SHARE), far * damped[0]),
        MixWeights(near * damped[1], max(far, LEAST_SHARE)),
        MixWeights(near, far),
    )


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
