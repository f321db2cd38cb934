"""Both keys' strokes through a segment, whole: the right one's walked backwards first and put aside."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack, closing
from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Picture
from restrip.propagate.backward_walk import BLOCK_FRAMES, BackwardWalk
from restrip.propagate.cpu.descriptors import Described
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.flow_spool import FlowSpool
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.cpu.pipeline import ahead
from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.spool import Spool
from restrip.propagate.cpu.strokes.calm_motion import Walked
from restrip.propagate.cpu.strokes.crisp import Pixels, Plane, carried, coded, crisp, known, shown
from restrip.propagate.cpu.strokes.field_spool import FieldSpool
from restrip.propagate.cpu.strokes.handover import HandOver
from restrip.propagate.cpu.strokes.paint import Laid, Paint
from restrip.propagate.cpu.strokes.pieces import Pieces
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import FrameWindow

Bytes = npt.NDArray[np.uint8]


def walked_back(
    window: FrameWindow,
    key: Exemplar,
    folder: str,
    stepped: Callable[[], None],
    block_frames: int = BLOCK_FRAMES,
    *,
    effort: Effort = WHOLE,
) -> Generator[Field, None, None]:
    """The right key's pieces in every frame of the window, in the order of the frames.

    Walks all of it before the first, calls `stepped` after each frame walked; temporary files go to `folder`.
    """
    with FieldSpool(window.size, folder) as fields, FieldSpool(window.size, folder) as borders:
        walk = BackwardWalk(Pieces(key, effort=effort), lambda n: window.frame(n).rgb8(), fields, borders)
        yield from walk.forwards(window.frames, stepped, block_frames)


def both_walked_back(
    window: FrameWindow,
    key: Exemplar,
    folder: str,
    stepped: Callable[[], None],
    block_frames: int = BLOCK_FRAMES,
    *,
    effort: Effort = WHOLE,
) -> Generator[tuple[Flow, Field], None, None]:
    """The motion to the right key and its pieces in every frame of the window, in one walk: `walked_back`, `backward`.

    Each frame is read once and its motion found once for both.
    """
    with ExitStack() as stack:
        flows, borders = (
            _Pairs(
                stack.enter_context(FlowSpool(window.size, folder)),
                stack.enter_context(FieldSpool(window.size, folder)),
            )
            for _ in range(2)
        )
        both = _MotionAndPieces(key, effort)
        walk = _WalkAhead(both, lambda n: window.frame(n).rgb8(), flows, borders)
        yield from walk.forwards(window.frames, stepped, block_frames)


class _MotionAndPieces:
    """A key's motion and pieces as one walk."""

    def __init__(self, key: Exemplar, effort: Effort) -> None:
        self.motion, self._walked = KeyMotion(key.source, effort), Walked()
        self._pieces = Pieces(key, self._walked, effort)

    def restart(self) -> None:
        self.motion.restart()
        self._pieces.restart()

    def resume(self, pair: tuple[Flow, Field], frame: Bytes) -> None:
        self.motion.resume(pair[0], frame)
        self._pieces.resume(pair[1], frame)

    def laid(self, frame: Bytes, walked: Walked) -> tuple[Flow, Field]:
        """The pieces of a frame along its motion to the key, and to the frame of the last call."""
        flow = walked.flow
        assert flow is not None
        self._walked.flow, self._walked.step, self._walked.light = flow, walked.step, walked.light
        return flow, self._pieces.next(frame)


class _WalkAhead(BackwardWalk):
    """As a BackwardWalk of both, the motion of a frame beside the pieces of the one before."""

    def walked(self, frames: range) -> Generator[tuple[Flow, Field], None, None]:
        """The motion and the pieces of each of the frames, one after the other."""
        with closing(ahead(self._moved(frames))) as moved:
            for one in moved:
                yield self.motion.laid(*one)

    def _moved(self, frames: range) -> Generator[tuple[Bytes, Walked], None, None]:
        motion: KeyMotion = self.motion.motion
        for n in frames:
            frame = self.frame(n)
            yield frame, Walked(motion.next(frame), motion.step, motion.light)


class _Pairs:
    """Two stacks as one."""

    def __init__(self, flows: Spool[Flow], fields: Spool[Field]) -> None:
        self._flows, self._fields = flows, fields

    def push(self, pair: tuple[Flow, Field]) -> None:
        self._flows.push(pair[0])
        self._fields.push(pair[1])

    def pop(self) -> tuple[Flow, Field]:
        return self._flows.pop(), self._fields.pop()

    def peek(self) -> tuple[Flow, Field]:
        return self._flows.peek(), self._fields.peek()

    def __len__(self) -> int:
        return len(self._flows)


class Whole:
    """What both keys, or the one there is, show of a frame, and how much of it is shown, [H, W] in 0..1 (None: all)."""

    def __init__(self, left: Laid | None, right: Laid | None, parts: Plane | None, turn: Plane | None) -> None:
        self._left, self._right, self._parts, self._turn = left, right, parts, turn
        self._mixed: Pixels | None = None

    @property
    def all(self) -> bool:
        """Is nothing below seen?"""
        return self._parts is None

    def alone(self, shares: MixWeights, deep: bool) -> Picture:
        """[H, W, 3] uint16 if deep, else uint8, with nothing else below."""
        whole = self._picture(shares)
        return coded(whole, deep)

    def over(self, base: Picture, shares: MixWeights, deep: bool) -> Picture:
        """Shown over another picture [H, W, 3] uint16 of the same frame: uint16 if deep, else uint8."""
        whole = self._picture(shares)
        return coded(whole, deep) if self._parts is None else shown(base, whole, self._parts, deep)

    def _picture(self, shares: MixWeights) -> Pixels:
        """Of one key alone where the other has no share."""
        if self._left is None or self._right is None or self._turn is None:
            only = self._left or self._right
            assert only is not None
            return only.picture
        if not shares.right:
            return self._left.picture
        if not shares.left:
            return self._right.picture
        if self._mixed is None:
            self._mixed = crisp(self._left, self._right, self._turn)
        return self._mixed


class WholeStrokes:
    """Lays out the frames of a segment, in order, from the left key's first on.

    `paints` are both keys', one of which may be None. Both keys' pieces in each frame are given as `fields`. `parts`
    [H, W], 0..1, says how much of what is laid out is shown at each place of the left key; of one key alone
    `known_only` shows it only where that knows the place.
    """

    def __init__(
        self,
        paints: tuple[Paint | None, Paint | None],
        parts: Plane,
        known_only: bool = False,
        effort: Effort = WHOLE,
    ) -> None:
        self._paints, self._pixel = paints, effort.pixel
        self._parts = None if parts.min() >= 1 and not (known_only and None in paints) else parts
        self._handed: HandOver | None = None

    @property
    def all(self) -> bool:
        """Is nothing below seen in any frame?"""
        return self._parts is None

    def at_key(self, frame: Bytes, picture: npt.NDArray[np.uint16], field: Field | None) -> None:
        """The left key's own frame [H, W, 3] uint8 and its picture in 16-bit code values: places get their times."""
        there = self._laid(1, Described(frame), field)
        if there is not None:
            self._handed = self._handed_over(picture, there.picture)

    def next(
        self,
        described: Described,
        across: float,
        fields: tuple[Field | None, Field | None],
        flows: tuple[Flow | None, Flow | None] = (None, None),
    ) -> Whole:
        """What is shown of the next frame, `across` the fade, 0..1."""
        a, b = (self._laid(side, described, field, flows[side]) for side, field in enumerate(fields))
        if a is None or b is None:
            only = a or b
            return Whole(
                a, b, self._parts if self._parts is None or only is None else self._parts * known(only.worth), None
            )
        if self._handed is None:  # the segment begins after the left key
            self._handed = self._handed_over(a.picture, b.picture)
        parts = None if self._parts is None else carried(self._parts, a.field)
        return Whole(a, b, parts, self._handed.at(across, a, b))

    def _handed_over(self, left: npt.NDArray[Any], right: Pixels) -> HandOver:
        return HandOver.of(left * np.float32(1 / CODE), right * np.float32(1 / CODE), self._pixel)

    def _laid(self, side: int, described: Described, field: Field | None, flow: Flow | None = None) -> Laid | None:
        paint = self._paints[side]
        return None if field is None or paint is None else paint.laid(described.frame, field, described, flow)
