"""One segment, frame by frame: both keys carried along the motion and mixed into the renditions.

left key                                                       right key
   |-- motion walked forwards -->     <-- motion walked back, put aside --|
   [ frame: two predictors a key, by what they rebuild -> left, right, joint ]
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.progress import Report
from restrip.propagate.describe import describe
from restrip.propagate.keyed import KeyPicture
from restrip.propagate.mixing import Shares, Votes, rendered, shares_at
from restrip.propagate.motion import KeyMotion, StepMotion
from restrip.propagate.predict import Light, Matcher, matched, warped
from restrip.propagate.sampling import Flow, pull
from restrip.propagate.settings import PropagateSettings
from restrip.propagate.shading import USUAL_GAIN, exposure, learned_gain
from restrip.propagate.spool import FlowSpool
from restrip.propagate.weights import weight_of
from restrip.propagate.window import Carried, FrameWindow, StyledKey

Bytes = npt.NDArray[np.uint8]


def propagate(
    window: FrameWindow,
    keys: tuple[StyledKey | None, StyledKey | None],
    settings: PropagateSettings,
    report: Report,
) -> Iterator[Carried]:
    """Every frame of the window in order, as the left key and as the right key carry it.

    The left key lies at or before the window's first frame, the right one after its last; one of them may be None.
    Frames have the keys' depth and the source's alpha. Memory does not grow with the window: motion to the right key
    is walked backwards first and put aside in `settings.scratch`.
    """
    if keys == (None, None):
        raise ValueError("a segment has at least one key")
    with FlowSpool(window.size, settings.scratch) as spool:
        yield from _Segment(window, keys, settings, report, spool).frames()


class _Side:
    """One key, and what it says of frames."""

    def __init__(self, key: StyledKey, shading: float) -> None:
        self.key = key
        self.picture = KeyPicture.of(key.source, key.picture)
        self.gain = shading * USUAL_GAIN
        self._shading = shading
        self._matcher = Matcher(self.picture)

    def votes(self, frame: Bytes, described: npt.NDArray[np.int16], flow: Flow, step: Flow | None) -> Votes:
        """Both predictions of `frame` [H, W, 3] by their worth; `step` is the motion to the frame of the last call."""
        field = self._matcher.match(described, flow, step)
        seen = exposure(frame, pull(self.picture.source, flow), self._shading)
        votes, light = Votes.none((frame.shape[1], frame.shape[0])), Light(self.gain, seen)
        votes.add(warped(frame, self.picture, flow, light))
        votes.add(matched(frame, self.picture, field, light))
        return votes

    def learn(self, other: StyledKey, flow: Flow) -> float:
        """The gain on slopes with which this key predicts the other one best; `flow` leads from that one to this."""
        frame = other.source.rgb8()
        plain, moved = (warped(frame, self.picture, flow, Light(gain)) for gain in (0.0, 1.0))
        truth = other.picture.with_depth(True).rgb.astype(np.float32)
        return learned_gain(plain.style / 257, moved.style / 257, truth / 257, weight_of(plain.errors))


class _Segment:
    def __init__(
        self,
        window: FrameWindow,
        keys: tuple[StyledKey | None, StyledKey | None],
        settings: PropagateSettings,
        report: Report,
        spool: FlowSpool,
    ) -> None:
        self._window, self._keys, self._settings, self._spool = window, keys, settings, spool
        self._report, self._done = report, 0

    def frames(self) -> Iterator[Carried]:
        left, right = self._keys
        if right is not None:
            self._walk_back(right)
        sides = [None if key is None else _Side(key, self._settings.shading) for key in self._keys]
        ahead = None if left is None else KeyMotion(left.source.rgb8())
        steps = StepMotion()
        for n in self._window.frames:
            source = self._window.frame(n)
            back = None if right is None else self._spool.pop()
            if left is not None and n == left.frame:
                if sides[0] is not None and sides[1] is not None and self._settings.shading and back is not None:
                    gain = self._settings.shading * sides[1].learn(left, back)
                    sides[0].gain = sides[1].gain = gain
                yield self._key_itself(left, source)
            else:
                frame = source.rgb8()
                described = describe(frame)
                flow = None if ahead is None else ahead.next(frame)
                step = steps.next(frame) if ahead is None else ahead.step
                votes = [
                    None if side is None or motion is None else side.votes(frame, described, motion, step)
                    for side, motion in zip(sides, (flow, back), strict=True)
                ]
                yield self._renditions(n, source, votes)
            self._step()

    def _walk_back(self, right: StyledKey) -> None:
        motion = KeyMotion(right.source.rgb8())
        for n in range(self._window.frames.end - 1, self._window.frames.first - 1, -1):
            self._spool.push(motion.next(self._window.frame(n).rgb8()))
            self._step()

    def _key_itself(self, key: StyledKey, source: Frame) -> Carried:
        picture = _with_alpha_of(source, key.picture.rgb)
        return Carried(picture, None if self._keys[1] is None else picture, picture if self._settings.joint else None)

    def _renditions(self, n: int, source: Frame, votes: list[Votes | None]) -> Carried:
        (left, right), (a, b) = self._keys, votes
        if left is None or right is None or a is None or b is None:
            key, said = (left, a) if b is None else (right, b)
            assert key is not None and said is not None
            only = _with_alpha_of(source, rendered(said, said, Shares(1, 0), key.picture.deep))
            joint = only if self._settings.joint else None
            return Carried(None if left is None else only, None if right is None else only, joint)
        shares = shares_at(n, (left.frame, right.frame), self._settings.fade, self._settings.lean)
        wanted = shares if self._settings.joint else shares[:2]
        pictures = [_with_alpha_of(source, rendered(a, b, share, left.picture.deep)) for share in wanted]
        return Carried(pictures[0], pictures[1], pictures[2] if self._settings.joint else None)

    def _step(self) -> None:
        self._done += 1
        self._report(self._done, len(self._window.frames) * (1 if self._keys[1] is None else 2))


def _with_alpha_of(source: Frame, rgb: npt.NDArray) -> Frame:
    """A picture as a frame with the source's alpha, in the picture's depth."""
    deep = rgb.dtype == np.uint16
    return Frame(np.ascontiguousarray(rgb), None if source.alpha is None else source.with_depth(deep).alpha)
