"""Every frame's matches in one key, on the device; predict.py's Matcher says how."""

from __future__ import annotations

from torch import Tensor

from restrip.propagate.energy.matching import QUIET, SWEEPS, TIE
from restrip.propagate.gpu.patchmatch import Turn
from restrip.propagate.gpu.stages import Stages


class Matcher:
    """Finds every frame's matches in one key, each frame from where the last one's were."""

    def __init__(self, described: Tensor, stages: Stages) -> None:
        self._key, self._stages = described, stages
        self._before: Tensor | None = None

    def match(self, described: Tensor, flow: Tensor, step: Tensor | None) -> Tensor:
        """The field [H, W, 2] int16 of a frame with these descriptors; `step` leads to the frame of the last call."""
        both = described, self._key
        before = None if step is None or self._before is None else (self._before, step)
        field, errors = self._stages.start(both, flow, TIE, before)
        for n, (far, radius) in enumerate(SWEEPS):
            for parity in (0, 1):
                turn = Turn(parity, far, radius, QUIET, 2 * n + parity + 1)
                self._stages.sweep(both, flow, TIE, field, errors, turn)
        self._before = field
        return field
