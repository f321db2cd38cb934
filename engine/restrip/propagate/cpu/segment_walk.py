"""One segment on the CPU, frame by frame; `restrip.propagate.segment_walk` has the picture of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, nullcontext
from dataclasses import dataclass
from threading import Lock, current_thread

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame, Picture
from restrip.progress import Report
from restrip.propagate.backward_walk import walked_frames
from restrip.propagate.cpu.backward_motion import backward
from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.cpu.descriptors import Described, describe
from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.mixing import Votes, rendered
from restrip.propagate.cpu.motion import KeyMotion, StepMotion, light_between
from restrip.propagate.cpu.pipeline import ahead, both, kernel_threads
from restrip.propagate.cpu.predictors import Field, Light, Matcher, matched, warped
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.shading import SAME, Exposure, learned_gain
from restrip.propagate.cpu.strokes.calm_motion import Walked
from restrip.propagate.cpu.strokes.paint import Paint
from restrip.propagate.cpu.strokes.pieces import Pieces
from restrip.propagate.cpu.strokes.strangeness import strangeness
from restrip.propagate.cpu.strokes.whole import Whole, WholeStrokes, both_walked_back, walked_back
from restrip.propagate.energy.effort import Effort, effort
from restrip.propagate.energy.handover import across_at
from restrip.propagate.energy.mix_weights import MixWeights, mix_weights_at
from restrip.propagate.energy.shading import USUAL_GAIN
from restrip.propagate.energy.style import CODE
from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey, with_alpha_of
from restrip.propagate.key_alone import key_alone, strokes_of_its_own
from restrip.propagate.settings import PropagateSettings
from restrip.propagate.strangeness import Strangeness, crispness

Bytes = npt.NDArray[np.uint8]


def walk(
    window: FrameWindow, keys: tuple[StyledKey | None, StyledKey | None], settings: PropagateSettings, report: Report
) -> Iterator[CarriedFrame]:
    """As `restrip.propagate.propagate`, on the CPU."""
    with kernel_threads(window.size) if settings.quick else nullcontext():
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


@dataclass(eq=False)
class _Moved:
    """A frame, the motion from it to the left key, to the frame before and to the right key, how it is exposed against
    the left key, and both keys' pieces.
    """

    n: int
    source: Frame
    frame: Bytes
    flow: Flow | None
    step: Flow | None
    flow_back: Flow | None
    field: Field | None
    light: Exposure = SAME
    pieces: Field | None = None

    def __post_init__(self) -> None:
        self.described = Described(self.frame)


class _Segment:
    def __init__(
        self,
        window: FrameWindow,
        keys: tuple[StyledKey | None, StyledKey | None],
        settings: PropagateSettings,
        report: Report,
    ) -> None:
        self._window, self._keys, self._settings, self._report = window, keys, settings, report
        self._done = self._reported = 0
        self._counting, self._home = Lock(), current_thread()
        self._total = len(window.frames) + (0 if keys[1] is None else walked_frames(window.frames))
        self._sides: list[_Side | None] = [None, None]
        self._steps = StepMotion()
        self._effort = effort(settings.quick)
        self._ahead = None if keys[0] is None else KeyMotion(keys[0].source.rgb8(), self._effort)
        self._parts = np.zeros((1, 1), np.float32)
        self._whole: WholeStrokes | None = None

    def frames(self) -> Iterator[CarriedFrame]:
        if len(self._window.frames) == 1 and self._keys[1] is None and self._is_left(self._window.frames.first):
            source = self._window.frame(self._window.frames.first)  # the clip's last frame is a key: nothing is carried
            yield self._at_key(_Moved(self._window.frames.first, source, source.rgb8(), None, None, None, None))
            self._step()
            return
        together = self._likely_whole()
        if not together:
            self._sides = [None, None]  # the walk back goes before the rest takes its memory
        with closing(self._walked_back()) as walked, ExitStack() as stack:
            flow_back, field = next(walked, (None, None))
            if together:  # the right side is there: how strange its strokes are waits for nothing else
                _, self._parts = both(self._make_sides, lambda: self._whole_parts(flow_back))
            else:
                self._make_sides()
                self._parts = self._whole_parts(flow_back)
            fields: Generator[Field, None, None] | None = None
            if self._parts.any():
                self._whole = self._whole_strokes()
                if self._sides[1] is not None and not together:
                    self._total += walked_frames(self._window.frames)
                    fields = stack.enter_context(closing(self._pieces_back(self._sides[1].picture)))
                    field = next(fields)  # walks all the way back
            moved = self._moved(walked, fields, (flow_back, field))
            if self._whole is not None and self._sides[0] is not None:
                moved = self._with_pieces(ahead(moved), self._sides[0].picture)
            for one in stack.enter_context(closing(ahead(moved))):
                yield self._at_key(one) if self._is_left(one.n) else self._between(one)
                self._step()

    def _moved(
        self,
        walked: Generator[tuple[Flow, Field | None], None, None],
        fields: Generator[Field, None, None] | None,
        first: tuple[Flow | None, Field | None],
    ) -> Generator[_Moved, None, None]:
        """Every frame with its motion to either key, and the right key's pieces."""
        flow_back, field = first
        for n in self._window.frames:
            if n > self._window.frames.first:
                flow_back, field = next(walked, (None, None))
                field = field if fields is None else next(fields)
            source = self._window.frame(n)
            frame = source.rgb8()
            if self._is_left(n):
                yield _Moved(n, source, frame, None, None, flow_back, field)
            elif self._ahead is None:
                yield _Moved(n, source, frame, None, self._steps.next(frame), flow_back, field)
            else:
                flow = self._ahead.next(frame)
                yield _Moved(n, source, frame, flow, self._ahead.step, flow_back, field, self._ahead.light)

    def _with_pieces(self, moved: Generator[_Moved, None, None], key: Exemplar) -> Generator[_Moved, None, None]:
        """The same with the left key's pieces."""
        walked = Walked()
        pieces = Pieces(key, walked, self._effort)
        with closing(moved):
            for one in moved:
                if one.flow is not None:
                    walked.flow, walked.step, walked.light = one.flow, one.step, one.light
                    one.pieces = pieces.next(one.frame, one.described)
                yield one

    def _make_sides(self) -> None:
        """Those that aren't there yet."""
        for n, key in enumerate(self._keys):
            if key is not None and self._sides[n] is None:
                self._sides[n] = self._side(key)

    def _side(self, key: StyledKey) -> _Side:
        return _Side(key, self._settings.shading, self._effort)

    def _likely_whole(self) -> bool:
        """Will strokes be kept whole, as far as can be told before the motion between the keys is walked?

        Then the right key's pieces are walked back together with it. Motion in one step from key to key tells it.
        """
        left, right = self._keys
        if right is None or self._settings.strokes != "auto":
            return right is not None and self._settings.strokes == "crisp"
        if left is None or not self._is_left(self._window.frames.first):
            return False
        sources = right.source.rgb8(), left.source.rgb8()
        side, leap = both(lambda: self._side(right), lambda: KeyMotion(sources[0], self._effort).next(sources[1]))
        self._sides[1] = side
        return bool(strangeness(left, side.picture, leap).parts.any())

    def _walked_back(self) -> Generator[tuple[Flow, Field | None], None, None]:
        """The motion from every frame to the right key, and its pieces if they are walked together."""
        right, folder, side = self._keys[1], self._settings.scratch, self._sides[1]
        if right is None:
            return
        if side is not None or self._settings.strokes == "crisp":
            side = self._sides[1] = side or self._side(right)
            yield from both_walked_back(self._window, side.picture, folder, self._step, effort=self._effort)
            return
        with closing(backward(self._window, right, folder, self._step, effort=self._effort)) as flows:
            for flow in flows:
                yield flow, None

    def _pieces_back(self, key: Exemplar) -> Generator[Field, None, None]:
        return walked_back(self._window, key, self._settings.scratch, self._step, effort=self._effort)

    def _whole_parts(self, flow_back: Flow | None) -> npt.NDArray[np.float32]:
        """How far strokes are kept whole at each place of the left key."""
        left, side = self._keys[0], self._sides[1]
        strange: Strangeness | None = None
        if self._settings.strokes == "auto" and (alone := key_alone(self._window, self._keys)) is not None:
            return crispness(None, "auto", self._window.size, strokes_of_its_own(alone))
        comparable = left is not None and self._is_left(self._window.frames.first)
        if self._settings.strokes == "auto" and comparable and side is not None and flow_back is not None:
            assert left is not None
            strange = strangeness(left, side.picture, flow_back)
        return crispness(strange, self._settings.strokes, self._window.size)

    def _whole_strokes(self) -> WholeStrokes:
        a, b = (
            None if side is None else Paint.of(side.picture, self._settings.shading, self._effort)
            for side in self._sides
        )
        return WholeStrokes((a, b), self._parts, self._settings.strokes == "auto", self._effort)

    def _is_left(self, n: int) -> bool:
        return self._keys[0] is not None and self._keys[0].frame == n

    def _at_key(self, one: _Moved) -> CarriedFrame:
        """The left key's frame is the key; how the right key predicts it says how far the look follows light."""
        left, right = self._keys
        assert left is not None
        if self._settings.shading and one.flow_back is not None and right is not None:
            a, b = self._sides
            assert a is not None and b is not None
            a.gain = b.gain = self._settings.shading * b.learn(left, one.flow_back)
        if self._whole is not None:
            self._whole.at_key(one.frame, left.picture.rgb16(), one.field)
        picture = with_alpha_of(one.source, left.picture.rgb)
        baked = picture if self._settings.baked else None
        return CarriedFrame(picture, None if right is None else picture, baked, self._alike)

    @property
    def _alike(self) -> bool:
        """Do both renditions show the same in all frames? Where strokes are whole they do, both keys' with any lean."""
        return None not in self._keys and self._whole is not None and self._whole.all and self._settings.lean > 0

    def _between(self, one: _Moved) -> CarriedFrame:
        whole = None
        if self._whole is not None:
            whole = self._whole.next(
                one.described, self._across(one.n), (one.pieces, one.field), (one.flow, one.flow_back)
            )
            if whole.all:  # nothing else is seen
                return self._whole_renditions(one.n, one.source, whole)
        described = one.described.plain
        votes = [
            None if side is None or motion is None else side.votes(one.frame, described, motion, one.step)
            for side, motion in zip(self._sides, (one.flow, one.flow_back), strict=True)
        ]
        return self._renditions(one.n, one.source, votes, whole)

    def _whole_renditions(self, n: int, source: Frame, whole: Whole) -> CarriedFrame:
        left, right = self._keys
        deep = next(key.picture.deep for key in self._keys if key is not None)
        shares = (MixWeights(1, 0),) * 3
        if left is not None and right is not None:
            shares = mix_weights_at(n, (left.frame, right.frame), self._settings.fade, self._settings.lean)
        if self._alike:
            picture = with_alpha_of(source, whole.alone(shares[0], deep))
            return CarriedFrame(picture, picture, picture if self._settings.baked else None, alike=True)
        wanted = left is not None, right is not None, self._settings.baked
        left_one, right_one, baked = (
            with_alpha_of(source, whole.alone(share, deep)) if asked else None
            for share, asked in zip(shares, wanted, strict=True)
        )
        return CarriedFrame(left_one, right_one, baked)

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
        """Count a frame that was walked; what is walked on another thread is reported with the next one."""
        with self._counting:
            self._done += 1
        if current_thread() is self._home:
            while self._reported < self._done:
                self._reported += 1
                self._report(self._reported, self._total)


def _rendered(
    both: tuple[Votes, Votes], shares: MixWeights, deep: bool, strokes: Strokes | None, whole: Whole | None
) -> Picture:
    """One rendition, with as much of the whole strokes over it as the segment shows."""
    if whole is None:
        return rendered(*both, shares, deep, strokes)
    return whole.over(rendered(*both, shares, True, strokes), shares, deep)
