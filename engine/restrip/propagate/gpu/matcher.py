"""Every frame's matches in one key, on the device; predict.py's Matcher says how."""

from __future__ import annotations

from torch import Tensor

from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.matching import QUIET, TIE
from restrip.propagate.gpu.patchmatch import Turn
from restrip.propagate.gpu.stages import Stages


class Matcher:
    """Finds every frame's matches in one key, each frame from where the last one's were."""

    def __init__(self, described: Tensor, stages: Stages, effort: Effort = WHOLE) -> None:
        self._key, self._stages, self._effort = described, stages, effort

    def match(self, described: Tensor, flow: Tensor, before: tuple[Tensor, Tensor] | None) -> Tensor:
        """The field [H, W, 2] int16 of a frame with these descriptors.

        `before` is the field of the frame before, and the motion to that one [H, W, 2].
        """
        both = described, self._key
        field, errors = self._stages.start(both, flow, TIE, before)
        for n, (far, radius) in enumerate(self._effort.matches):
            for parity in (0, 1):
                turn = Turn(parity, far, radius, QUIET, 2 * n + parity + 1)
                self._stages.sweep(both, flow, TIE, field, errors, turn)
        return field
