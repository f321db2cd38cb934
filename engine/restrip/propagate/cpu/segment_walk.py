"""One segment on the CPU, frame by frame; `restrip.propagate.segment_walk` has the picture of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, Picture
from restrip.progress import Report
from restrip.propagate.backward_walk import walked_frames
from restrip.propagate.cpu.backward_motion import backward
from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.mixing import Votes, rendered
from restrip.propagate.cpu.motion import KeyMotion, StepMotion, light_between
from restrip.propagate.cpu.predictors import Field, Light, Matcher, matched, warped
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.shading import SAME, learned_gain
from restrip.propagate.cpu.strokes.paint import Paint
from restrip.propagate.cpu.strokes.pieces import Pieces
from restrip.propagate.cpu.strokes.strangeness import strangeness
from restrip.propagate.cpu.strokes.whole import Whole, WholeStrokes, walked_back
from restrip.propagate.energy.effort import Effort, effort
from restrip.propagate.energy.handover import across_at
from restrip.propagate.energy.mix_weights import MixWeights, mix_weights_at
from restrip.propagate.energy.shading import USUAL_GAIN
from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey, with_alpha_of
from restrip.propagate.settings import PropagateSettings
from restrip.propagate.strangeness import Strangeness, crispness

Bytes = npt.NDArray[np.uint8]


def walk(
    window: FrameWindow, keys: tuple[StyledKey | None, StyledKey | None], settings: PropagateSettings, report: Report
) -> Iterator[CarriedFrame]:
    """As `restrip.propagate.propagate`, on the CPU."""
    yield from _Segment(window, keys, settings, report).frames()


class _Side:
    """One key, and what it says of frames."""

    def __init__(self, key: StyledKey, shading: float, effort: Effort) -> None:
        self.key = key
        self.picture = Exemplar.of(key.source, key.picture)
        self.gain = shading * USUAL_GAIN
        self._shading = shading
        self._matcher = Matcher(self.picture, effort)

    def votes(self, frame: Bytes, described: npt.NDArray[np.int16], flow: Flow, step: Flow | None) -> Votes:
        """Both predictions of `frame` [H, W, 3] by their worth; `step` is the motion to the frame of the last call."""
        seen = light_between(frame, self.picture.source, flow)
        followed = seen.partly(self._shading)
        if not seen.same:
            described, frame = describe(seen.relit(frame, SAME)), seen.relit(frame, followed)
        field = self._matcher.match(described, flow, step)
        votes, light = (Votes.none((frame.shape[1], frame.shape[0])), Light(self.gain, followed))
        votes.add(warped(frame, self.picture, flow, light))
        votes.add(matched(frame, self.picture, field, light))
        return votes

    def learn(self, other: StyledKey, flow: Flow) -> float:
        """The gain on slopes with which this key predicts the other one best; `flow` leads from that one to this."""
        frame = other.source.rgb8()
        plain, moved = (warped(frame, self.picture, flow, Light(gain)) for gain in (0.0, 1.0))
        truth = other.picture.with_depth(True).rgb.astype(np.float32)
        for picture in (plain.style, moved.style, truth):
            picture /= CODE
        return learned_gain(plain.style, moved.style, truth, weight_of(plain.errors))


class _Segment:
    def __init__(
        self,
        window: FrameWindow,
        keys: tuple[StyledKey | None, StyledKey | None],
        settings: PropagateSettings,
        report: Report,
    ) -> None:
        self._window, self._keys, self._settings, self._report = window, keys, settings, report
        self._done = 0
        self._total = len(window.frames) + (0 if keys[1] is None else walked_frames(window.frames))
        self._sides: list[_Side | None] = []
        self._steps = StepMotion()
        self._effort = effort(settings.quick)
        self._ahead = None if keys[0] is None else KeyMotion(keys[0].source.rgb8(), self._effort)
        self._parts = np.zeros((1, 1), np.float32)
        self._whole: WholeStrokes | None = None

    def frames(self) -> Iterator[CarriedFrame]:
        right = self._keys[1]
        folder = self._settings.scratch
        back: Generator[Flow, None, None] = (
            _nothing() if right is None else backward(self._window, right, folder, self._step, effort=self._effort)
        )
        with closing(back):
            flow_back = next(back, None)  # walks all the way back, before the rest takes its memory
            shading = self._settings.shading
            self._sides = [None if key is None else _Side(key, shading, self._effort) for key in self._keys]
            with closing(self._whole_fields(flow_back)) as fields:
                if self._parts.any():
                    self._whole = self._whole_strokes(fields)
                for n in self._window.frames:
                    source = self._window.frame(n)
                    yield self._at_key(source, flow_back) if self._is_left(n) else self._between(n, source, flow_back)
                    flow_back = next(back, None)
                    self._step()

    def _whole_fields(self, flow_back: Flow | None) -> Generator[Field, None, None]:
        """Decide how far strokes are kept whole, and where the right key's lie in every frame then."""
        left, side = self._keys[0], self._sides[1]
        strange: Strangeness | None = None
        comparable = left is not None and self._is_left(self._window.frames.first)
        if self._settings.strokes == "auto" and comparable and side is not None and flow_back is not None:
            assert left is not None
            strange = strangeness(left, side.picture, flow_back)
        self._parts = crispness(strange, self._settings.strokes, self._window.size)
        if side is None or not self._parts.any():
            return _nothing()
        self._total += walked_frames(self._window.frames)
        return walked_back(self._window, side.picture, self._settings.scratch, self._step, effort=self._effort)

    def _whole_strokes(self, fields: Generator[Field, None, None]) -> WholeStrokes:
        a, b = (None if side is None else Paint.of(side.picture, self._settings.shading) for side in self._sides)
        return WholeStrokes(
            (a, b), None if a is None else Pieces(a.key, self._ahead, self._effort), fields, self._parts
        )

    def _is_left(self, n: int) -> bool:
        return self._keys[0] is not None and self._keys[0].frame == n

    def _at_key(self, source: Frame, flow_back: Flow | None) -> CarriedFrame:
        """The left key's frame is the key; how the right key predicts it says how far the look follows light."""
        left, right = self._keys
        assert left is not None
        if self._settings.shading and flow_back is not None and right is not None:
            a, b = self._sides
            assert a is not None and b is not None
            a.gain = b.gain = self._settings.shading * b.learn(left, flow_back)
        if self._whole is not None:
            self._whole.at_key(source.rgb8(), left.picture.rgb16())
        picture = with_alpha_of(source, left.picture.rgb)
        return CarriedFrame(picture, None if right is None else picture, picture if self._settings.baked else None)

    def _between(self, n: int, source: Frame, flow_back: Flow | None) -> CarriedFrame:
        frame = source.rgb8()
        if self._ahead is None:
            flow, step = None, self._steps.next(frame)
        else:
            flow = self._ahead.next(frame)
            step = self._ahead.step
        whole = None if self._whole is None else self._whole.next(frame, self._across(n))
        if whole is not None and whole.all:  # nothing else is seen
            return self._whole_renditions(n, source, whole)
        described = describe(frame)  # after the motion, which needs as much memory
        votes = [
            None if side is None or motion is None else side.votes(frame, described, motion, step)
            for side, motion in zip(self._sides, (flow, flow_back), strict=True)
        ]
        return self._renditions(n, source, votes, whole)

    def _whole_renditions(self, n: int, source: Frame, whole: Whole) -> CarriedFrame:
        left, right = self._keys
        deep = next(key.picture.deep for key in self._keys if key is not None)
        shares = (MixWeights(1, 0),) * 3
        if left is not None and right is not None:
            shares = mix_weights_at(n, (left.frame, right.frame), self._settings.fade, self._settings.lean)
        wanted = left is not None, right is not None, self._settings.baked
        pictures = [
            with_alpha_of(source, whole.alone(share, deep)) if asked else None
            for share, asked in zip(shares, wanted, strict=True)
        ]
        return CarriedFrame(*pictures)

    def _across(self, n: int) -> float:
        left, right = self._keys
        if left is None or right is None:
            return 0.0
        return across_at(n, (left.frame, right.frame), self._settings.fade)

    def _renditions(self, n: int, source: Frame, votes: list[Votes | None], whole: Whole | None) -> CarriedFrame:
        (left, right), (a, b) = self._keys, votes
        if left is None or right is None or a is None or b is None:
            key, said = (left, a) if b is None else (right, b)
            assert key is not None and said is not None
            only = with_alpha_of(source, _rendered((said, said), MixWeights(1, 0), key.picture.deep, None, whole))
            baked = only if self._settings.baked else None
            return CarriedFrame(None if left is None else only, None if right is None else only, baked)
        shares = mix_weights_at(n, (left.frame, right.frame), self._settings.fade, self._settings.lean)
        wanted = shares if self._settings.baked else shares[:2]
        strokes = Strokes.of((a.total, a.weight), (b.total, b.weight))
        pictures = [
            with_alpha_of(source, _rendered((a, b), share, left.picture.deep, strokes, whole)) for share in wanted
        ]
        return CarriedFrame(pictures[0], pictures[1], pictures[2] if self._settings.baked else None)

    def _step(self) -> None:
        self._done += 1
        self._report(self._done, self._total)


def _rendered(
    both: tuple[Votes, Votes], shares: MixWeights, deep: bool, strokes: Strokes | None, whole: Whole | None
) -> Picture:
    """One rendition, with as much of the whole strokes over it as the segment shows."""
    if whole is None:
        return rendered(*both, shares, deep, strokes)
    return whole.over(rendered(*both, shares, True, strokes), shares, deep)


def _nothing() -> Generator[Any, None, None]:
    yield from ()
