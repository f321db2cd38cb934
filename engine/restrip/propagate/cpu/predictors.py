"""The two predictors of a frame's style from one key. Each also says how badly it rebuilds the frame itself.

warped    the key read through the motion: right where motion is smooth
matched   the key read through a field of patch matches around the motion: right where it isn't
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.kernels.patchmatch import start, sweep
from restrip.propagate.cpu.kernels.vote import places_of, read, vote
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.shading import SAME, Exposure
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.matching import QUIET, TIE
from restrip.propagate.energy.shading import REACH, RIDGE, STEEPEST
from restrip.propagate.energy.style import CODE

Field = npt.NDArray[np.int16]  # [H, W, 2]: x, y of each pixel's match in the key


@dataclass(frozen=True, eq=False)
class StylePrediction:
    """A picture of the style [H, W, 3] float32 in 16-bit code values, and squared rebuild errors [H, W] float32."""

    style: npt.NDArray[np.float32]
    errors: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """How the style answers to light: the gain on its local slopes, and the frame's exposure against the key's."""

    gain: float = 0.0
    exposure: Exposure = SAME

    def numbers(self) -> tuple[np.float32, ...]:
        """gain, reach, exposure gain, exposure offset, as the kernels take them."""
        return tuple(np.float32(v) for v in (self.gain, REACH, self.exposure.gain, self.exposure.offset))


def warped(frame: npt.NDArray[np.uint8], key: Exemplar, flow: Flow, light: Light) -> StylePrediction:
    """The key seen through the motion from `frame` [H, W, 3] to it."""
    out = _empty(frame)
    read(frame, key.packed, key.slopes, flow, *light.numbers(), out.style, out.errors)
    return out


def matched(frame: npt.NDArray[np.uint8], key: Exemplar, field: Field, light: Light) -> StylePrediction:
    """The mean of what all patches over each pixel of a frame, [H, W, 3], find in the key by `field`, [H, W, 2]."""
    out = _empty(frame)
    ridge, steepest = np.float32(RIDGE), np.float32(STEEPEST * CODE)
    places = np.empty(field.shape[:2], np.int32)
    places_of(field, key.packed.shape[1], places)
    vote(frame, key.packed, key.slopes, field, places, ridge, steepest, *light.numbers(), out.style, out.errors)
    return out


class Matcher:
    """Finds every frame's matches in one key, each frame from where the last one's were.

    Patch matching after Barnes et al. 2009 (propagation between neighbours and random places), but only around the
    motion, at full size, in two colours like a chessboard so that the result depends on no order. Such a sweep passes
    a match on by one step only, so the first ones take long steps (as the diffusion-like propagation of Galliani et
    al. 2015, *Massively Parallel Multiview Stereopsis by Surface Normal Diffusion*).
    """

    def __init__(self, key: Exemplar, effort: Effort = WHOLE) -> None:
        self._effort = effort
        self._key = key.described.reshape(-1)
        self._before: Field = np.empty((0, 0, 2), np.int16)

    def match(self, described: npt.NDArray[np.int16], flow: Flow, step: Flow | None) -> Field:
        """The field of a frame with these descriptors [H, W, 16]; `step` leads to the frame of the last call."""
        h, w = flow.shape[:2]
        frame, field, errors = (described.reshape(-1), np.empty((h, w, 2), np.int16), np.empty((h, w), np.float32))
        before = self._before if step is not None else np.empty((0, 0, 2), np.int16)
        tie, quiet = np.float32(TIE), np.float32(QUIET)
        start(frame, self._key, flow, tie, before, flow if step is None else step, field, errors)
        for n, (far, radius) in enumerate(self._effort.matches):
            for parity in (0, 1):
                turn = parity, far, radius, quiet, 2 * n + parity + 1
                sweep(frame, self._key, flow, tie, field, errors, *turn)
        self._before = field
        return field


def _empty(frame: npt.NDArray[np.uint8]) -> StylePrediction:
    return StylePrediction(np.empty(frame.shape, np.float32), np.empty(frame.shape[:2], np.float32))
