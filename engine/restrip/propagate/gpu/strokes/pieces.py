"""One key's paint for a frame, whole, on the device: as the CPU's pieces.py has it."""

from __future__ import annotations

from torch import Tensor

from restrip.propagate.energy.blocks import ROUNDS
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.gpu.exemplar import KeyTensors
from restrip.propagate.gpu.filters import gaussian
from restrip.propagate.gpu.graphs import Tensors
from restrip.propagate.gpu.motion import KeyMotion, Shown, shown_in
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.blocks import Checkerboard
from restrip.propagate.gpu.strokes.calm_motion import CalmMotion, trusted
from restrip.propagate.gpu.strokes.places import own_places
from restrip.propagate.gpu.strokes.sewing import Cloth, Stitch, packed_style


class Pieces:
    """Lays out frames of one key's pieces, walked away from the key one frame at a time.

    With `walked`, the motion to that key, someone else walks that one to each frame before it is laid out.
    """

    def __init__(
        self, key: KeyTensors, stages: Stages, walked: KeyMotion | None = None, effort: Effort = WHOLE
    ) -> None:
        self._key, self._stages, self._effort = key, stages, effort
        self._motion = CalmMotion(key.shown, stages, walked, effort)
        self._recorded = stages.graphs.work(("pieces", self), self._laid_out)
        self._style = packed_style(unsigned(key.packed[..., :3]))
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._motion.restart()
        self._field = own_places(self._style)

    def resume(self, field: Tensor, frame: Shown) -> None:
        """Be at a frame that shows this field."""
        offsets = self._stages.flow_of(field).permute(2, 0, 1)
        smooth = self._stages.filtered(offsets.contiguous(), gaussian(2), mirrored=True)
        self._motion.resume(smooth.permute(1, 2, 0).contiguous(), frame)
        self._field = field

    def next(self, frame: Shown) -> Tensor:
        """The pieces of the next frame away from the key, [H, W, 2] int16."""
        given = self._motion.given(frame) | {"field": self._field}
        made = (self._recorded if "rest" in given else self._laid_out)(given)
        self._motion.arrive(frame, made)
        self._field = made["field"]
        return self._field

    def _laid_out(self, given: Tensors) -> Tensors:
        calm = self._motion.calmed(given)
        flow, step, frame = calm["flow"], calm["step"], shown_in(given, "frame")
        in_keys_light = self._stages.relit_for(frame, self._key.shown, flow, 0.0)[0]
        described = self._stages.describe(in_keys_light)
        misfit = self._stages.judge(described, self._key.described, self._stages.places(flow))[0]
        sure = trusted(flow, misfit, self._stages)
        before = self._stages.moved(given["field"], step)
        cloth = Cloth(described, self._key.described, self._style, flow.contiguous(), sure.contiguous(), before)
        for n, (shift, seed) in enumerate(ROUNDS):
            self._stages.lay_blocks(cloth, before, Checkerboard(n % 2, shift, seed))
        field = before.clone()
        for n, (far, radius, seen, surest) in enumerate(self._effort.pieces):
            for parity in (0, 1):
                stitch = Stitch(parity, far, radius, seen, surest, 2 * n + parity + 1)
                self._stages.sew(cloth, field, stitch)
        return calm | {"field": field}
