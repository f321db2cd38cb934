"""Calm motion on the device: what strokes are carried along, as the CPU's calm_motion.py has it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from restrip.propagate.energy.calm_motion import (
    FARTHEST,
    PULL,
    SMALL,
    STEEP,
    TEXTURE,
    WIDE,
    WRONG,
)
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.gpu.filters import gaussian, mean
from restrip.propagate.gpu.graphs import Tensors
from restrip.propagate.gpu.mixing import weights_of
from restrip.propagate.gpu.motion import KeyMotion, Shown, extend, named, shown_in
from restrip.propagate.gpu.planes import shrunk
from restrip.propagate.gpu.stages import Stages


class CalmMotion:
    """The calm motion to one key, walked away from it one frame at a time.

    `step` is the last step, to the frame before, zero where nothing moves. With `walked`, the checked motion to that
    key, someone else walks that one to each frame first.
    """

    step: Tensor | None
    _flow: Tensor | None

    def __init__(self, key: Shown, stages: Stages, walked: KeyMotion | None = None, effort: Effort = WHOLE) -> None:
        self._key, self._stages = key, stages
        self._own, self._checked = walked is None, walked or KeyMotion(key, stages, effort)
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        if self._own:
            self._checked.restart()
        self._gray = self._key.gray
        self._flow = self.step = None

    def resume(self, flow: Tensor, frame: Shown) -> None:
        """Be at a frame where `flow` is the motion to the key."""
        if self._own:
            self._checked.resume(flow, frame)
        self._gray, self._flow = frame.gray, flow

    def next(self, frame: Shown) -> Tensor:
        """Motion from the next frame away from the key to the key, [H, W, 2]."""
        made = self.calmed(self.given(frame))
        self.arrive(frame, made)
        return made["flow"]

    def given(self, frame: Shown) -> Tensors:
        """What `calmed` needs to walk to the next frame: the checked motion is walked there first."""
        checked = self._checked.next(frame) if self._own else self._checked.flow
        assert checked is not None and self._checked.step is not None
        more = {} if self._flow is None else {"rest": self._flow}
        return named(frame=frame) | {"gray": self._gray, "step": self._checked.step, "checked": checked} | more

    def calmed(self, given: Tensors) -> Tensors:
        """The calm step and the calm motion to the key, of what `given` gives."""
        frame, step = shown_in(given, "frame"), given["step"]
        step = step * (1 - still(frame.gray, given["gray"], step, self._stages))[..., None]
        chained = extend(step, given.get("rest"))
        return {"step": step, "flow": torch.add(chained, self._drift(frame, chained, given["checked"]), alpha=PULL)}

    def arrive(self, frame: Shown, made: Tensors) -> None:
        """Be at the frame for which `calmed` has found this."""
        self._gray, self._flow, self.step = frame.gray, made["flow"], made["step"]

    def _drift(self, frame: Shown, chained: Tensor, checked: Tensor) -> Tensor:
        """What the chain is off by, as a wide neighbourhood says, [H, W, 2]."""
        errors = self._stages.rebuilt(frame, self._key, chained, checked)
        sure = weights_of(errors[None], self._stages.filtered)[0] * textured(frame.gray, self._stages)
        off = (checked - chained).clamp_(-FARTHEST, FARTHEST).permute(2, 0, 1) * sure
        h, w = sure.shape
        every = shrunk(torch.cat([off, sure[None]]), (max(1, w // SMALL), max(1, h // SMALL)))
        around = self._stages.filtered(every, gaussian(min(h, w) / WIDE / SMALL))
        drift = around[:2] / (around[2] + 0.05)
        return F.interpolate(drift[None], (h, w), mode="bilinear", align_corners=False)[0].permute(1, 2, 0)


def still(frame: Tensor, before: Tensor, step: Tensor, stages: Stages) -> Tensor:
    """How far a place of `frame` [H, W] stands still, 0..1: no motion explains it as well as the step to it."""
    size = max(9, min(frame.shape) // 24) | 1
    around = stages.filtered(stages.off_by(frame, before, step), mean(size), mirrored=True)
    return stages.filtered(stages.resting(around), gaussian(3))[0]


def textured(gray: Tensor, stages: Stages) -> Tensor:
    """How much the luma [H, W] around each pixel says of motion, [H, W] in 0..1."""
    steep = stages.steepness(stages.filtered(gray[None], gaussian(1), mirrored=True))
    around = stages.filtered(steep, gaussian(4), mirrored=True)[0]
    return around / (around + TEXTURE)


def trusted(flow: Tensor, misfit: Tensor, stages: Stages) -> Tensor:
    """How far strokes may follow a flow [H, W, 2], 0..1: not where it tears, nor where the key's source, off by
    `misfit` [H, W] squared code values there, is another thing.
    """
    steep = stages.steepness(flow.permute(2, 0, 1).contiguous())
    stretch = stages.filtered(steep.sqrt_(), gaussian(1.5), mirrored=True)
    wrong = stages.filtered(misfit[None].clamp(max=3000), gaussian(2), mirrored=True)
    torn = stretch.div_(STEEP).square_().square_().add_(1)
    other = wrong.div_(WRONG).square_().add_(1)
    return stages.filtered(torn.mul_(other).reciprocal_(), gaussian(1), mirrored=True)[0]
