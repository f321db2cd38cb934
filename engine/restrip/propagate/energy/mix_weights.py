"""How much each key counts in a rendition."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from restrip.timeline import FrameRange

LEAST_SHARE = 1e-3  # a strip is its own key's where all shares vanish


@dataclass(frozen=True)
class MixWeights:
    """How much each key counts in one rendition of a frame, beside what its predictions are worth."""

    left: float
    right: float


def mix_weights_at(
    frame: int, keys: tuple[int, int], fade: FrameRange | None, lean: float
) -> tuple[MixWeights, MixWeights, MixWeights]:
    """The weights in the left, the right and the baked rendition of `frame` between two keys.

    Jointly each key counts by the root of its nearness in time. In a rendition the other key is damped, by `lean` where
    that rendition shows alone, and not at all from the fade's middle on:

        left's    lean ____/'''''''   right's   '''''''\\____ lean
                       [ fade ]                    [ fade ]

    In the middle both renditions are the baked mix, so the crossfade is between pictures that agree. Without any lean
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
