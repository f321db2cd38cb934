"""One key's paint for a frame, whole: every pixel is a pixel of the key, and pieces of it move together.

Strokes read between pixels, or along a motion that stretches, are no strokes of the look any more. So each pixel of
the frame is given a pixel of the key (a shift map: Pritch et al. 2009, *Shift-Map Image Editing*), such that

   the key's source there fits the frame's             fit
   it is where the calm motion leads (calm_motion.py)         tie, as far as that motion can be trusted
   it shows what it showed in the frame before         steady
   seams between pieces run where their paint agrees   seam (Kwatra et al. 2003, *Graphcut Textures*)

It begins with the last frame's pieces, moved along, and is made better in sweeps like those of the patch search. Where
the motion can't be trusted the pieces around grow into the place, whole; what has fallen to shards there is first laid
anew in blocks (kernels/blocks.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.descriptors import Described
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.kernels.blocks import lay_blocks
from restrip.propagate.cpu.kernels.pieces import begin, misled, moved, sew
from restrip.propagate.cpu.kernels.vote import EDGE
from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.shading import SAME
from restrip.propagate.cpu.strokes.calm_motion import CalmMotion, Walked, trusted
from restrip.propagate.cpu.strokes.paint import own_places
from restrip.propagate.energy.blocks import ROUNDS
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.pieces import COSTS
from restrip.propagate.energy.style import CODE

Plane = npt.NDArray[np.float32]


class Pieces:
    """Lays out frames of one key's pieces, walked away from the key one frame at a time.

    With `walked` someone else walks the motion to that key to each frame before it is laid out.
    """

    def __init__(self, key: Exemplar, walked: Walked | None = None, effort: Effort = WHOLE) -> None:
        self.key, self._effort = key, effort
        self._motion = CalmMotion(key.source, walked, effort)
        self._style = packed_style(key)
        self.restart()

    def restart(self) -> None:
        """Be back at the key."""
        self._motion.restart()
        h, w = self.key.source.shape[:2]
        self._field = own_places(h, w)

    def resume(self, field: Field, frame: npt.NDArray[np.uint8]) -> None:
        """Be at a frame [H, W, 3] uint8 that shows this field."""
        offsets = field - own_places(*field.shape[:2])
        self._motion.resume(cv2.GaussianBlur(offsets.astype(np.float32), (0, 0), 2), frame)
        self._field = field

    def next(self, frame: npt.NDArray[np.uint8], described: Described | None = None) -> Field:
        """The pieces of the next frame away from the key, [H, W, 3] uint8; `described` is the same frame."""
        flow = self._motion.next(frame)
        assert self._motion.step is not None
        in_light = self._motion.light(frame, flow).relit(frame, SAME)  # of the key
        numbers = (described or Described(frame)).lit(in_light).reshape(-1)
        before = np.empty_like(self._field)
        moved(self._field, self._motion.step, before)
        self._field = self._sewn(numbers, flow, before)
        return self._field

    def _sewn(self, described: npt.NDArray[np.int16], flow: Flow, before: Field) -> Field:
        misfit = np.empty(flow.shape[:2], np.float32)
        misled(described, self.key.described.reshape(-1), flow, misfit)
        cloth = Cloth(described, self.key.described.reshape(-1), self._style, flow, trusted(flow, misfit), misfit)
        return sewn(cloth, laid_in_blocks(cloth, before), self._effort.pieces)


@dataclass(frozen=True, eq=False)
class Cloth:
    """What a frame is sewn of: descriptors of it and of the key, flat, the key's style (`packed_style`), the calm
    motion to it [H, W, 2], how far that is trusted [H, W], and how badly the key fits where it leads (`misled`).
    """

    described: npt.NDArray[np.int16]
    key: npt.NDArray[np.int16]
    style: npt.NDArray[np.uint32]
    flow: Flow
    sure: Plane
    misfit: Plane


def laid_in_blocks(cloth: Cloth, before: Field) -> Field:
    """The pieces of `before`, but whole blocks where these have fallen to shards and motion can't be trusted."""
    field, seen_of = before.copy(), (cloth.described, cloth.key, cloth.style, cloth.flow)
    for n, (shift, seed) in enumerate(ROUNDS):
        lay_blocks(*seen_of, cloth.sure, field, n % 2, shift, seed)
    return field


def sewn(cloth: Cloth, before: Field, sweeps: Iterable[tuple[int, int, float, float]]) -> Field:
    """The pieces of a frame, made better in sweeps (energy/pieces.py) from those of `before` on."""
    field, costs = before.copy(), tuple(np.float32(cost) for cost in COSTS)
    (h, w), seen_of = cloth.sure.shape, (cloth.described, cloth.key, cloth.style, cloth.flow)
    own, lead = (np.empty((h, w), np.float32) for _ in range(2))
    led, paint = (np.empty((h, w), np.uint32) for _ in range(2))
    begin(*seen_of, cloth.misfit, cloth.sure, before, costs, own, lead, led, paint)
    kept = _places(field), _places(before), own, lead, led, paint, np.zeros((h + 2, w + 2), np.uint8), costs
    before_seen, known = None, np.float32(-1)
    for n, (far, radius, seen, surest) in enumerate(sweeps):
        known = known if seen == before_seen else np.float32(-1)  # else it costs another sum
        for parity in (0, 1):
            turn = parity, far, radius, np.float32(seen), np.float32(surest), known, 2 * n + parity + 1
            sew(*seen_of, cloth.sure, *kept, *turn)
        before_seen, known = seen, np.float32(surest)
    return field


def _places(field: Field) -> npt.NDArray[np.uint32]:
    """The same field with each place as one number, [H, W]."""
    return field.view(np.uint32)[..., 0]


def packed_style(key: Exemplar) -> npt.NDArray[np.uint32]:
    """The 8-bit colours of a key's style, each in one number, [H + 2, W + 2]; edges repeat."""
    beyond = EDGE - 1
    inner = key.packed[beyond:-beyond, beyond:-beyond, :3]
    red, green, blue = np.moveaxis(np.rint(inner / np.float32(CODE)).astype(np.uint32), 2, 0)
    return red | green << 8 | blue << 16
