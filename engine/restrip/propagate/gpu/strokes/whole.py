"""Both keys' strokes through a segment, whole, on the device: as the CPU's whole.py has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.gpu.graphs import Tensors
from restrip.propagate.gpu.motion import Shown
from restrip.propagate.gpu.planes import unsigned
from restrip.propagate.gpu.stages import Stages
from restrip.propagate.gpu.strokes.crisp import carried, crisp, known
from restrip.propagate.gpu.strokes.handover import HandOverTensors
from restrip.propagate.gpu.strokes.paint import LaidTensors, PaintTensors
from restrip.propagate.gpu.strokes.pieces import Pieces


class WholeTensors:
    """What both keys, or the one there is, show of a frame, and how much of it is shown, [H, W] in 0..1 (None: all)."""

    def __init__(self, laid: list[LaidTensors], parts: Tensor | None, mixed: Tensor | None, stages: Stages) -> None:
        self._laid, self._parts, self._mixed, self._coded = laid, parts, mixed, stages.coded

    def alone(self, shares: Sequence[MixWeights], deep: bool) -> Tensor:
        """A rendition for each of the shares, [N, H, W, 3] uint8 or if deep 16-bit values in int16."""
        return self._coded([self._picture(share) for share in shares], deep)

    def over(self, base: Tensor, shares: Sequence[MixWeights], deep: bool) -> Tensor:
        """Shown over other renditions [N, H, W, 3] of the same frame, 16-bit values in int16; as `alone`."""
        whole = [self._picture(share) for share in shares]
        if self._parts is not None:
            below = [unsigned(picture).permute(2, 0, 1) for picture in base]
            whole = [torch.lerp(b, picture, self._parts) for b, picture in zip(below, whole, strict=True)]
        return self._coded(whole, deep)

    def _picture(self, shares: MixWeights) -> Tensor:
        """Of one key alone where the other has no share."""
        if self._mixed is None or not shares.right:
            return self._laid[0].picture
        return self._laid[1].picture if not shares.left else self._mixed


class WholeStrokesTensors:
    """Lays out the frames of a segment, in order, from the left key's first on.

    `paints` are both keys', one of which may be None; `back` gives the right key's pieces in every frame, `ahead` lays
    out the left key's. `parts` [H, W], 0..1, says how much of that is shown at each place of the left key (None: all).
    """

    def __init__(
        self,
        paints: tuple[PaintTensors | None, PaintTensors | None],
        ahead: Pieces | None,
        back: Iterator[Tensor],
        parts: Tensor | None,
        stages: Stages,
        effort: Effort = WHOLE,
    ) -> None:
        self._pixel = effort.pixel
        self._paints, self._ahead, self._back, self._parts, self._stages = paints, ahead, back, parts, stages
        self._handed: HandOverTensors | None = None

    @property
    def all(self) -> bool:
        """Is nothing below seen?"""
        return self._parts is None

    def at_key(self, frame: Shown) -> None:
        """The left key's own frame: places get their times."""
        left, there = self._paints[0], self._laid(1, frame, next(self._back, None))
        if left is not None and there is not None:
            picture = unsigned(left.key.packed[..., :3]).permute(2, 0, 1)
            self._handed = HandOverTensors.of(picture, there.picture, self._pixel)

    def fields(self, frame: Shown) -> Tensors:
        """Both keys' pieces in the next frame, "field 0" and "field 1"."""
        fields = [None if self._ahead is None else self._ahead.next(frame), next(self._back, None)]
        given = {f"field {side}": field for side, field in enumerate(fields) if field is not None}
        if self._handed is None and len(given) == 2:  # the segment begins after the left key
            a, b = (self._laid(side, frame, field) for side, field in enumerate(fields))
            assert a is not None and b is not None
            self._handed = HandOverTensors.of(a.picture, b.picture, self._pixel)
        return given

    def shown(self, frame: Shown, fields: Tensors, begun: Tensor) -> WholeTensors:
        """What is shown of a frame by these pieces, when times up to `begun` are half handed over."""
        a, b = (self._laid(side, frame, fields.get(f"field {side}")) for side in (0, 1))
        if a is None or b is None:
            laid = [one for one in (a, b) if one is not None]
            parts = None if self._parts is None else self._parts * known(laid[0].worth, self._stages)
            return WholeTensors(laid, parts, None, self._stages)
        assert self._handed is not None
        turn = self._handed.at(begun, a, b, self._stages)
        parts = None if self._parts is None else carried(self._parts, a.field, self._stages)
        return WholeTensors([a, b], parts, crisp(a, b, turn, self._stages), self._stages)

    def _laid(self, side: int, frame: Shown, field: Tensor | None) -> LaidTensors | None:
        paint = self._paints[side]
        return None if field is None or paint is None else paint.laid(frame, field, self._stages)
