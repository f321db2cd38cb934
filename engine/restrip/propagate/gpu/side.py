"""What one key says of frames, and of the other key, on the device."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from restrip.propagate.energy.effort import effort
from restrip.propagate.energy.shading import USUAL_GAIN
from restrip.propagate.frame_window import StyledKey
from restrip.propagate.gpu.exemplar import KeyTensors
from restrip.propagate.gpu.matcher import Matcher
from restrip.propagate.gpu.mixing import weights_of
from restrip.propagate.gpu.motion import Shown
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.shading import learned_gain
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.settings import PropagateSettings


class Side:
    """One key. `gain` says how far its look follows light, `field` [H, W, 2] is what was matched for the last frame."""

    def __init__(self, key: StyledKey, shown: Shown, settings: PropagateSettings, stages: Stages) -> None:
        self.key, self._stages, self._shading = key, stages, settings.shading
        self.tensors = KeyTensors.of(key, stages.describe(shown.rgb), shown)
        self.gain = torch.tensor(self._shading * USUAL_GAIN, device=stages.device)
        self._matcher = Matcher(self.tensors.described, stages, effort(settings.quick))
        self.field: Tensor | None = None

    def votes(
        self, frame: Shown, flow: Tensor, gain: Tensor, before: tuple[Tensor, Tensor] | None
    ) -> tuple[Any, Tensor]:
        """Both predictions of a frame by their worth, and its matches.

        `before` are the matches of the last frame, and the motion to that one.
        """
        in_keys_light, rgb, followed = self._stages.relit_for(frame, self.tensors.shown, flow, self._shading)
        field = self._matcher.match(self._stages.describe(in_keys_light), flow, before)
        light = torch.cat([gain.view(1), followed])
        read, vote = self._stages.read, self._stages.vote
        predictions = [read(rgb, self.tensors, flow, light), vote(rgb, self.tensors, field, light)]
        return self._stages.weighed(predictions), field

    def carried_to(self, other: Side, flow: Tensor) -> tuple[Tensor, Tensor]:
        """This key's style along `flow`, which leads to it from the other one, in its own light; and its errors."""
        frame = other.tensors.shown.rgb
        return self._stages.read(frame, self.tensors, flow, torch.tensor((0.0, 1.0, 0.0), device=frame.device))

    def learn(self, other: Side, flow: Tensor) -> Tensor:
        """The gain on slopes with which this key predicts the other one best; `flow` leads from that one to this."""
        frame = other.tensors.shown.rgb
        lights = torch.tensor(((0.0, 1.0, 0.0), (1.0, 1.0, 0.0)), device=frame.device)
        (plain, errors), (moved, _) = (self._stages.read(frame, self.tensors, flow, light) for light in lights)
        truth = unsigned(other.tensors.packed[..., :3])
        return learned_gain(plain / 257, moved / 257, truth / 257, weights_of(errors[None])[0])
