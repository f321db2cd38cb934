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

from restrip.propagate.cpu.motion import extend, gray_of, step
from restrip.propagate.cpu.sampling import Flow, pull
from restrip.propagate.cpu.shading import exposure

HORIZON_FRAMES = 60
"""Beyond it a key's error is taken to grow as it did over the last half of it."""

BLOCKS = (16, 9)
"""Errors are kept as means over so many blocks (across, down): where one key fails another may not."""

OTHER_CONTENT = 0.3
"""A picture of which so much of the variance is not what another one shows shows something else."""

NOISE = 16.0  # squared code values

Errors = npt.NDArray[np.float32]  # [blocks], squared difference in 8-bit code values, mean over channels


@dataclass
class KeyCoverage:
    """One direction's errors: `errors[k][n]` are those of the frame n steps away from candidate k, by block.

    `steps[t]` is the error of frame t rebuilt from the frame before it in the walk, mean over the picture; without what
    is only another light.
    `pictures[k]` is candidate k itself.
    """

    errors: dict[int, list[Errors]] = field(default_factory=dict)
    steps: dict[int, float] = field(default_factory=dict)
    pictures: dict[int, npt.NDArray[np.uint8]] = field(default_factory=dict)

    def at(self, key: int, distance: int) -> Errors:
        """The errors `distance` frames from a candidate; beyond the horizon as they grew before it."""
        known = self.errors[key]
        if distance < len(known):
            return known[distance]
        last, half = len(known) - 1, HORIZON_FRAMES // 2
        if last < HORIZON_FRAMES:  # nothing lies further away
            return known[last]
        return known[last] + np.maximum(known[last] - known[last - half], 0) * np.float32((distance - last) / half)


@dataclass
class _Carried:
    key: int
    picture: npt.NDArray[np.uint8]
    flow: Flow | None = None


class CoverageWalk:
    """Goes through frames in one direction, each next to the last, and carries the candidates met on the way."""

    def __init__(self, candidates: Iterable[int]) -> None:
        self.reach = KeyCoverage()
        self._candidates = frozenset(candidates)
        self._carried: list[_Carried] = []
        self._last: npt.NDArray[np.uint8] | None = None

    def take(self, number: int, picture: npt.NDArray[np.uint8]) -> None:
        """The next frame: its number, [H, W, 3] uint8."""
        if self._last is not None:
            flow = step(gray_of(picture), gray_of(self._last))
            self.reach.steps[number] = _step_error(picture, pull(self._last, flow))
            for carried in self._carried:
                carried.flow = extend(flow, carried.flow)
                self._note(carried, picture)
        self._carried = [c for c in self._carried if abs(number - c.key) < HORIZON_FRAMES]
        if number in self._candidates:
            self._carried.append(_Carried(number, picture))
            self.reach.errors[number] = [np.zeros(BLOCKS[0] * BLOCKS[1], np.float32)]
            self.reach.pictures[number] = picture
        self._last = picture

    def _note(self, carried: _Carried, picture: npt.NDArray[np.uint8]) -> None:
        assert carried.flow is not None
        self.reach.errors[carried.key].append(block_errors(picture, pull(carried.picture, carried.flow)))


def relit(picture: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """`seen`, which should show what `picture` shows (both [H, W, 3]), in its light: itself where light isn't all."""
    light = exposure(picture, seen)
    if light.same:
        return seen
    lit = light.on(seen)
    left = float(block_errors(picture, lit).mean())
    return lit if left < OTHER_CONTENT * float(picture.var(axis=(0, 1)).mean()) + NOISE else seen


def _step_error(picture: npt.NDArray[np.uint8], seen: npt.NDArray[np.uint8]) -> float:
    return float(block_errors(picture, relit(picture, seen)).mean())


def error_between(
    keys: tuple[int | None, int | None], frames: Sequence[int], ahead: KeyCoverage, back: KeyCoverage
) -> float:
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


def block_errors(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> Errors:
    """Squared difference of two pictures [H, W, 3], mean over channels, mean over each block; [blocks]."""
    d = cv2.absdiff(a, b).astype(np.float32)
    np.multiply(d, d, out=d)
    return cv2.resize(d, BLOCKS, interpolation=cv2.INTER_AREA).mean(axis=2).ravel()
