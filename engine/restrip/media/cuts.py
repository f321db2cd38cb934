"""Cuts: the first frames of new shots.

Pictures are compared small. A cut is a step that is large, that stands out from the steps around it (fast motion makes
many large steps in a row; the idea of PySceneDetect's AdaptiveDetector), that changes the scene and not only its
brightness, and that stays: after a flash the old picture comes back.

    flash   A A A # A A A      some picture before the step is like some picture soon after it: no cut
    cut     A A A B B B B      none is
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from restrip.media.frame import Frame
from restrip.progress import Report, silent
from restrip.timeline import ClipRange

SMALL = (64, 36)
# The least step, as the mean difference in 8-bit code values, and how many times the mean of its neighbours it must be.
LEAST = 12.0
STANDS_OUT = 3.0
# A step's neighbours are this many on each side; what comes back within as many pictures was a flash.
AROUND = 4
# Two pictures are alike when they differ by less than this share of the step between them.
ALIKE = 0.5
# Grey values that go together at least this much (Pearson) show one scene, though a camera's exposure jumped.
SAME_SCENE = 0.7
# Fades and slow dissolves are no hard borders and are not looked for.

Small = npt.NDArray[np.int16]


class _Clip(Protocol):
    """What a ClipReader offers here."""

    clip: ClipRange

    def picture_number(self, number: int) -> int: ...

    def thumbnail(self, number: int, size: tuple[int, int]) -> Frame: ...


def find_cuts(reader: _Clip, report: Report = silent) -> tuple[int, ...]:
    """The frames of the clip with which a new shot begins (never 0), in order.

    The clip is read once, forward; the memory used doesn't grow with its length.
    """
    cuts = []
    window: deque[tuple[int, Small]] = deque(maxlen=2 * AROUND + 2)
    place = 0  # Of the picture in the window that is judged next.
    for frame, small in _pictures(reader, report):
        full = len(window) == window.maxlen
        window.append((frame, small))
        place -= full
        while len(window) - place > AROUND:
            cuts += _judged(window, place)
            place += 1
    for rest in range(place, len(window)):
        cuts += _judged(window, rest)
    return tuple(cuts)


def _judged(window: deque[tuple[int, Small]], place: int) -> list[int]:
    """The frame at `place` when a shot begins with it."""
    near = list(window)[max(0, place - AROUND - 1) : place + AROUND + 1]
    place = min(place, AROUND + 1)
    return [near[place][0]] if place and _is_cut([small for _, small in near], place) else []


def _pictures(reader: _Clip, report: Report) -> Iterator[tuple[int, Small]]:
    """Each picture that the clip shows, once, small, with the first frame that shows it."""
    frames = reader.clip.frames
    shown = -1
    for frame in frames:
        picture = reader.picture_number(frame)
        if picture != shown:
            shown = picture
            yield frame, reader.thumbnail(frame, SMALL).rgb.astype(np.int16)
        report(frame + 1, len(frames))


def _is_cut(pictures: list[Small], place: int) -> bool:
    """Whether a shot begins with pictures[place]; the list holds up to AROUND further ones on each side."""
    before, after = pictures[:place], pictures[place:]
    step = _difference(before[-1], after[0])
    if step < LEAST or _together(before[-1], after[0]) > SAME_SCENE:
        return False
    steps = [_difference(pictures[n - 1], pictures[n]) for n in range(1, len(pictures)) if n != place]
    if steps and step < STANDS_OUT * float(np.mean(steps)):
        return False
    return all(_difference(old, new) >= ALIKE * step for old in before for new in after)


def _difference(one: Small, other: Small) -> float:
    """Mean absolute difference in code values."""
    return float(np.abs(one - other).mean())


def _together(one: Small, other: Small) -> float:
    """The correlation of two pictures' grey values; 0 when one of them is flat."""
    a, b = (picture.mean(axis=2) - picture.mean() for picture in (one, other))
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 1e-6 else 0.0
