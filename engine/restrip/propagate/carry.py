"""One segment, frame by frame: both keys carried along the motion and mixed into the renditions.

left key                                                     right key
   |-- motion walked forwards -->     <-- motion walked back, spooled --|
   [ frame: two predictors a key, weights, shading, mix -> left, right ]
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.progress import Report
from restrip.propagate import mixing
from restrip.propagate.matched import KeyPatches
from restrip.propagate.mixing import Votes
from restrip.propagate.motion import KeyMotion
from restrip.propagate.sampling import Flow, local_error, pull
from restrip.propagate.settings import PropagateSettings
from restrip.propagate.shading import light, slopes
from restrip.propagate.spool import FlowSpool
from restrip.propagate.weights import weight_of
from restrip.propagate.window import Carried, FrameWindow, StyledKey


class _Side:
    """One key's predictions."""

    def __init__(self, key: StyledKey, shading: float) -> None:
        self.key = key
        self.source = key.source.rgb8()
        self.style = (key.picture.rgb.astype(np.float32) / 257) if key.picture.deep else key.picture.rgb
        self.shading = shading
        self.slopes = slopes(self.source, np.asarray(self.style, np.float32)) if shading else None
        self.patches = KeyPatches(self.source, key.picture.rgb8())

    def votes(self, frame: npt.NDArray[np.uint8], flow: Flow) -> Votes:
        """Both predictors' pictures of `frame`, by their worth."""
        slope = pull(self.slopes, flow) * np.float32(self.shading) if self.slopes is not None else None
        _, voted = self.patches.match(frame, flow)
        total, weight = np.zeros(frame.shape, np.float32), np.zeros(frame.shape[:2], np.float32)
        for style, rebuilt in (
            (pull(self.style, flow).astype(np.float32), pull(self.source, flow)),
            (voted[..., :3], (voted[..., 3:] + 0.5).astype(np.uint8)),
        ):
            w = weight_of(local_error(frame, rebuilt))
            if slope is not None:
                style = style + slope * light(frame, rebuilt)
            total += w[..., None] * style
            weight += w
        return Votes(total, weight)


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
    left, right = keys
    if left is None and right is None:
        raise ValueError("a segment has at least one key")
    total = len(window.frames) * (1 if right is None else 2)
    with FlowSpool(window.size, settings.scratch) as spool:
        done = 0
        if right is not None:
            motion = KeyMotion(right.source.rgb8())
            for n in reversed(range(window.frames.first, window.frames.end)):
                spool.push(motion.next(window.frame(n).rgb8()))
                done += 1
                report(done, total)
        sides = tuple(None if key is None else _Side(key, settings.shading) for key in keys)
        forward = None if left is None else KeyMotion(left.source.rgb8())
        for n in window.frames:
            source = window.frame(n)
            if left is not None and n == left.frame:
                if right is not None:
                    spool.pop()
                same = _finished(left.picture.rgb, source, left)
                yield Carried(same, None if right is None else same, same if settings.joint else None)
            else:
                frame = source.rgb8()
                votes = (
                    None if sides[0] is None or forward is None else sides[0].votes(frame, forward.next(frame)),
                    None if sides[1] is None else sides[1].votes(frame, spool.pop()),
                )
                yield _renditions(source, keys, votes, settings, n)
            done += 1
            report(done, total)


def _renditions(
    source: Frame,
    keys: tuple[StyledKey | None, StyledKey | None],
    votes: tuple[Votes | None, Votes | None],
    settings: PropagateSettings,
    n: int,
) -> Carried:
    (left, right), (a, b) = keys, votes
    if left is None or right is None or a is None or b is None:
        key, one = (left, a) if b is None else (right, b)
        assert key is not None and one is not None
        picture = _finished(one.total / one.weight[..., None], source, key)
        joint = picture if settings.joint else None
        return Carried(picture if left is not None else None, picture if right is not None else None, joint)
    ramp = mixing.ramp_at(n, left.frame, right.frame, settings.fade, settings.lean)
    pictures = [
        mixing.mixed(a, ramp.left, b, ramp.right * ramp.damp_left),
        mixing.mixed(b, ramp.right, a, ramp.left * ramp.damp_right),
    ]
    if settings.joint:
        pictures.append(mixing.mixed(a, ramp.left, b, ramp.right))
    frames = [_finished(picture, source, left) for picture in pictures]
    return Carried(frames[0], frames[1], frames[2] if settings.joint else None)


def _finished(picture: npt.NDArray, source: Frame, key: StyledKey) -> Frame:
    """A mixed picture (float, 8-bit code values) or a key's own as a frame of the key's depth, the source's alpha."""
    deep = key.picture.deep
    if picture.dtype == np.float32:
        scale, top = (257.0, 65535) if deep else (1.0, 255)
        picture = np.clip(picture * scale + 0.5, 0, top).astype(np.uint16 if deep else np.uint8)
    alpha = None if source.alpha is None else source.with_depth(deep).alpha
    return Frame(np.ascontiguousarray(picture), alpha)
