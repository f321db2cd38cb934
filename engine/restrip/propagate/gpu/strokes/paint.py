"""A key's paint as its pieces lie in a frame, on the device: as the CPU's paint.py has it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from restrip.propagate.energy.paint import FAR, FEW, FINE, NEAR, TORN, UNSURE
from restrip.propagate.energy.style import CODE
from restrip.propagate.gpu.exemplar import KeyTensors
from restrip.propagate.gpu.filters import gaussian
from restrip.propagate.gpu.motion import Shown
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.stages import Stages


@dataclass(frozen=True, eq=False)
class LaidTensors:
    """What one key shows of a frame: a picture [3, H, W] float32 in 16-bit code values, what it is worth [H, W] in
    0..1, the energy of fine detail that the key has there [H, W], and which of its pixels are shown, [H, W, 2] int16.
    """

    picture: Tensor
    worth: Tensor
    energy: Tensor
    field: Tensor


@dataclass(frozen=True, eq=False)
class PaintTensors:
    """A key's paint. `detail` is the energy of what is finer than FINE at each pixel, [H, W], in squared code values of
    three channels; `follow` says how far the whole picture's light is followed, 0..1.
    """

    key: KeyTensors
    detail: Tensor
    follow: float

    @classmethod
    def of(cls, key: KeyTensors, follow: float, stages: Stages) -> PaintTensors:
        """Of a key made ready for reading."""
        picture = unsigned(key.packed[..., :3]).permute(2, 0, 1).contiguous() / CODE
        fine = picture - stages.filtered(picture, gaussian(FINE), mirrored=True)
        return cls(key, fine.square_().sum(0), follow)

    def laid(self, frame: Shown, field: Tensor, stages: Stages) -> LaidTensors:
        """What is shown of a frame by the field that `Pieces` has found for it."""
        in_keys_light, _, light = stages.relit_for(frame, self.key.shown, stages.flow_of(field), self.follow)
        picture = stages.lay(self.key.packed, field, (NEAR, FAR)).mul_(light[0]).add_(light[1] * CODE)
        misfit, seams = stages.judge(stages.describe(in_keys_light), self.key.described, field)
        torn = stages.filtered(seams[None], gaussian(4))[0].sub_(FEW).clamp_(min=0)
        off = stages.filtered(misfit[None], gaussian(3))[0].add_(torn.square_(), alpha=TORN)
        worth = off.div_(UNSURE).add_(1).square_().reciprocal_()
        return LaidTensors(picture, worth, stages.taken_at(self.detail, field), field)
