"""How far a key reaches: how badly each frame is rebuilt from each candidate key, before any style exists.

candidates   k0        k1        k2
forward      k0 --->   k1 --->            one walk through the frames carries all candidates at once
backward        <--- k1    <--- k2        a second walk, in reverse
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from restrip.propagate.motion import extend, gray_of, step
from restrip.propagate.sampling import Flow, pull

HORIZON_FRAMES = 60
"""Beyond it a key's error is taken to stay as it is there."""

BLOCKS = (16, 9)
"""Errors are kept as means over so many blocks (across, down): where one key fails another may not."""

Errors = npt.NDArray[np.float32]  # [blocks], squared difference in 8-bit code values, mean over channels


@dataclass
class Reach:
    """One direction's errors: `errors[k][n]` are those of the frame n steps away from candidate k, by block.

    `moved[k][n]` is the mean displacement of that frame from the key, as a share of the longer side. `steps[t]` is
    the error of frame t rebuilt from the frame before it in the walk, mean over the picture.
    """

    errors: dict[int, list[Errors]] = field(default_factory=dict)
    moved: dict[int, list[float]] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)

    def at(self, key: int, distance: int) -> Errors:
        """The errors `distance` frames from a candidate; the last known ones beyond the horizon."""
        known = self.errors[key]
        return known[min(distance, len(known) - 1)]


@dataclass
class _Carried:
    key: int
    picture: npt.NDArray[np.uint8]
    flow: Flow | None = None


class Walk:
    """Goes through frames in one direction, each next to the last, and carries the candidates met on the way."""

    def __init__(self, candidates: Iterable[int]) -> None:
        self.reach = Reach()
        self._candidates = frozenset(candidates)
        self._carried: list[_Carried] = []
        self._last: npt.NDArray[np.uint8] | None = None

    def take(self, number: int, picture: npt.NDArray[np.uint8]) -> None:
        """The next frame: its number, [H, W, 3] uint8."""
        if self._last is not None:
            flow = step(gray_of(picture), gray_of(self._last))
            self.reach.steps[number] = float(_blocks(picture, pull(self._last, flow)).mean())
            for carried in self._carried:
                carried.flow = extend(flow, carried.flow)
                self._note(carried, picture)
        self._carried = [c for c in self._carried if abs(number - c.key) < HORIZON_FRAMES]
        if number in self._candidates:
            self._carried.append(_Carried(number, picture))
            self.reach.errors[number] = [np.zeros(BLOCKS[0] * BLOCKS[1], np.float32)]
            self.reach.moved[number] = [0.0]
        self._last = picture

    def _note(self, carried: _Carried, picture: npt.NDArray[np.uint8]) -> None:
        assert carried.flow is not None
        self.reach.errors[carried.key].append(_blocks(picture, pull(carried.picture, carried.flow)))
        lengths = np.hypot(carried.flow[..., 0], carried.flow[..., 1])
        self.reach.moved[carried.key].append(float(lengths.mean()) / max(picture.shape[:2]))


def error_between(keys: tuple[int | None, int | None], frames: Sequence[int], ahead: Reach, back: Reach) -> float:
    """The sum over `frames` of what is left when each block is rebuilt from the better of the two keys."""
    left, right = keys
    if not len(frames):
        return 0.0
    # Many frames of a long stretch say little more than some of them do.
    shown = frames if len(frames) <= 64 else [frames[i] for i in np.linspace(0, len(frames) - 1, 64).astype(int)]
    sides = []
    if left is not None:
        sides.append(np.stack([ahead.at(left, t - left) for t in shown]))
    if right is not None:
        sides.append(np.stack([back.at(right, right - t) for t in shown]))
    best = sides[0] if len(sides) == 1 else np.minimum(sides[0], sides[1])
    return float(best.mean(axis=1).sum()) * len(frames) / len(shown)


def _blocks(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> Errors:
    d = cv2.absdiff(a, b).astype(np.float32)
    return cv2.resize((d * d).mean(axis=2), BLOCKS, interpolation=cv2.INTER_AREA).ravel()
