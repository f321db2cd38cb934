"""From weighted predictions to the renditions of a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restrip.timeline import FrameRange


@dataclass(frozen=True, eq=False)
class Votes:
    """What one key says of a frame: [H, W, 3] float32, the weighted sum of its predictions, and [H, W] the weights."""

    total: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ramp:
    """How much each key counts at a frame: (left, right), and the damping of the other key in each rendition."""

    left: float
    right: float
    damp_left: float
    damp_right: float


def ramp_at(frame: int, left: int, right: int, fade: FrameRange | None, lean: float) -> Ramp:
    """The ramp at `frame` between the keys at `left` and `right`.

    damping of the other key in the left rendition rises over the fade's first half, in the right one falls over its
    second half:

        left's    lean ____/'''''''   right's   '''''''\\____ lean
                       [ fade ]                    [ fade ]
    """
    across = (frame - left) / (right - left)
    fade = fade or FrameRange(left, right)
    middle = (fade.first + fade.end) / 2
    half = max(len(fade) / 2, 0.5)
    into = min(max((frame - fade.first) / half, 0.0), 1.0) if len(fade) else float(frame >= middle)
    out_of = min(max((fade.end - frame) / half, 0.0), 1.0) if len(fade) else float(frame < middle)
    return Ramp(1 - across, across, lean + (1 - lean) * into, lean + (1 - lean) * out_of)


def mixed(own: Votes, own_share: float, other: Votes, other_share: float) -> npt.NDArray[np.float32]:
    """Both keys' predictions by their shares, [H, W, 3] float32."""
    share = max(own_share, 1e-3)  # a strip is its own key's where both shares vanish
    weight = own.weight * np.float32(share)
    total = own.total * np.float32(share)
    if other_share > 0:
        weight += other.weight * np.float32(other_share)
        total += other.total * np.float32(other_share)
    total /= weight[..., None]
    return total
