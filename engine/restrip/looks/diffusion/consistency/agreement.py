"""How alike keys are: what moves from one key to the next should keep its look.

    agreement = mean |warp(styled A) - styled B| / mean |warp(A) - B|     over what both frames show

Neither blurring nor ignoring the frame may buy it: gradient energy and the gradients' correlation with the key's own
frame are told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from restrip.looks.diffusion.consistency.key_motion import carried, motion

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """`disagreement` is the mean difference of styled neighbours along the motion, in code values of 0..255, and
    `relative` the same as a multiple of the sources'. `energy` is the mean squared luma gradient of the styled keys,
    `correlation` that of their luma gradients with their own frames'. `seen` is the share of pixels compared.
    """

    disagreement: float
    relative: float
    energy: float
    correlation: float
    seen: float


def agreement(sources: Sequence[Bytes], styled: Sequence[Bytes]) -> Agreement:
    """Of neighbouring keys, given as frames and their pictures, [H, W, 3] uint8 of one size, in time's order."""
    styled_difference: list[float] = []
    source_difference: list[float] = []
    seen_fractions: list[float] = []
    for (a, styled_a), (b, styled_b) in pairwise(zip(sources, styled, strict=True)):
        moved = motion(a, b)
        weight = moved.seen.sum() * 3
        seen_fractions.append(float(moved.seen.mean()))
        for differences, left, right in (
            (styled_difference, styled_a, styled_b),
            (source_difference, a, b),
        ):
            off = np.abs(carried(left.astype(np.float32), moved.flow) - right) * moved.seen[..., None]
            differences.append(float(off.sum() / max(weight, 1.0)))
    mine, theirs = float(np.mean(styled_difference)), float(np.mean(source_difference))
    slopes = [(gradients(picture), gradients(frame)) for picture, frame in zip(styled, sources, strict=True)]
    return Agreement(
        mine,
        mine / max(theirs, 1e-6),
        float(np.mean([(own**2).mean() for own, _ in slopes])),
        float(np.mean([np.corrcoef(own.ravel(), frame.ravel())[0, 1] for own, frame in slopes])),
        float(np.mean(seen_fractions)),
    )


def gradients(picture: Bytes) -> Floats:
    """Luma's differences to the right and down, [2, H - 1, W - 1] float32."""
    luma = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.stack([luma[:-1, 1:] - luma[:-1, :-1], luma[1:, :-1] - luma[:-1, :-1]])


def flicker(sources: Sequence[Bytes], styled: Sequence[Bytes]) -> float:
    """How much more consecutive styled frames differ along the motion than their sources do; 1 is as steady.

    The frames, [H, W, 3] uint8, are all of a clip's, or all of a window's: `agreement` of neighbours, as one number.
    """
    return agreement(sources, styled).relative
