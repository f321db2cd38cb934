"""Where one key hands over to the next, and how much the two strips differ there."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from restrip.errors import BadInput
from restrip.media.frame import Frame
from restrip.progress import Report
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.cpu.sampling import local_error, pull
from restrip.propagate.frame_window import FrameWindow, StyledKey
from restrip.propagate.settings import PropagateSettings
from restrip.timeline import FrameRange

PROXY_SIDE = 270  # the shorter side at which strips are compared before they exist
AUTO_FRAMES = 48
"""The longest fade that is chosen unasked: the longer, the better strips score, but in a long gap each key should also
be seen alone."""
ALIKE = 0.02  # fades that cost so little more are as good: motion and grain differ by more


class BadFade(BadInput):
    """A fade that is no length and no name of one."""

    code = "bad-fade"

    def __init__(self, given: object) -> None:
        super().__init__(f"The fade can't be {given!r}.", "Give auto, gap, or a number of frames (0 is a cut).")


def fade_length(fade: str | int, gap: int) -> int:
    """Frames of a fade asked for as "auto", "gap" or a number, at most the gap. Raises BadFade."""
    if fade == "auto":
        return min(AUTO_FRAMES, gap)
    if fade == "gap":
        return gap
    try:
        length = int(fade)
    except ValueError:
        raise BadFade(fade) from None
    if length < 0:
        raise BadFade(fade)
    return min(length, gap)


class FadeScore:
    """The mean difference of the two strips over a fade, in 8-bit code values, while the frames stream by."""

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, left: Frame, right: Frame) -> None:
        """One frame of the fade, as each strip has it."""
        if left is not right:
            self._sum += float(np.mean(cv2.absdiff(left.rgb8(), right.rgb8())))
        self._count += 1

    @property
    def value(self) -> float | None:
        """The score; None when no frame was added."""
        return self._sum / self._count if self._count else None


def propose_fade(
    window: FrameWindow,
    keys: tuple[StyledKey | None, StyledKey | None],
    fade: str | int,
    settings: PropagateSettings,
    report: Report,
) -> FrameRange:
    """The fade's frames in the segment: `fade` frames ("auto", "gap" or a number) where the keys agree most.

    It compares the keys carried along the motion at a small size. Empty at a segment with one key. Raises BadFade.
    """
    gap = window.frames
    length = fade_length(fade, len(gap))
    left, right = keys
    if left is None or right is None:
        border = gap.first if left is None else gap.end
        return FrameRange(border, border)
    if length >= len(gap):
        return gap
    costs = _disagreement(window, left, right, report)
    first = gap.first + _best_start(np.convolve(costs, np.ones(max(length, 1)), "valid"))
    return FrameRange(first, first + length)


def _best_start(costs: npt.NDArray[np.float64]) -> int:
    """Where a fade costs least; of places that are as good as that, the one nearest the middle of the gap."""
    good = np.flatnonzero(costs <= costs.min() * (1 + ALIKE) + 1e-6)
    return int(good[np.argmin(np.abs(good - (len(costs) - 1) / 2))])


def _disagreement(window: FrameWindow, left: StyledKey, right: StyledKey, report: Report) -> npt.NDArray[np.float64]:
    """What showing each frame from the worse of both keys risks: strip difference plus both rebuild errors."""
    w, h = window.size
    scale = min(1.0, PROXY_SIDE / min(w, h))
    size = (max(1, round(w * scale)), max(1, round(h * scale)))

    def small(frame: Frame) -> npt.NDArray[np.uint8]:
        return cv2.resize(frame.rgb8(), size, interpolation=cv2.INTER_AREA)

    frames = window.frames
    seen: list[npt.NDArray[np.uint8]] = []  # each frame is read once, and its small one kept for the way back
    carried: list[npt.NDArray[np.uint8]] = []
    errors, differences = np.zeros((2, len(frames))), np.zeros(len(frames))
    orders = range(len(frames)), range(len(frames) - 1, -1, -1)
    for side, (key, order) in enumerate(zip((left, right), orders, strict=True)):
        source, picture = small(key.source), small(key.picture)
        motion = KeyMotion(source)
        for done, place in enumerate(order):
            if not side:
                seen.append(small(window.frame(frames.first + place)))
            flow = motion.next(seen[place])
            errors[side, place] = np.sqrt(local_error(seen[place], pull(source, flow))).mean()
            shown = pull(picture, flow)
            if side:
                differences[place] = cv2.absdiff(carried[place], shown).mean()
            else:
                carried.append(shown)
            report(side * len(frames) + done + 1, 2 * len(frames))
    return differences + errors.max(0)
