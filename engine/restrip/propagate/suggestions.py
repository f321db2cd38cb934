"""Where keys are worth it: the set of frames from which all others are rebuilt best.

The cost of a set of keys is the sum over all frames of what stays wrong when each place is rebuilt, along the
motion, from the better of its two neighbouring keys. It needs no style, so it is known before anything is made. The
best set of a given size is found exactly, by dynamic programming over the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, inf, sqrt

import cv2
import numpy as np
import numpy.typing as npt

from restrip.errors import BadInput
from restrip.progress import Report, silent
from restrip.propagate.frame_window import FrameWindow
from restrip.propagate.key_coverage import CoverageWalk, KeyCoverage, error_between
from restrip.propagate.reasons import Reason, reason_of
from restrip.timeline import FrameRange

LONG_SIDE_PX = 192
SPACING_FRAMES = 2
MOST_CANDIDATES = 240
MOST_KEYS = 60

# A step between neighbours that leaves this much, and this many times the usual, is a cut.
CUT_ERROR = 900.0
CUT_TIMES = 6.0


class NothingToSuggest(BadInput):
    """A number of keys, or an error, for which there is no set of keys."""

    code = "nothing-to-suggest"


@dataclass(frozen=True)
class SuggestedKey:
    """A frame worth a key, why, and the rebuild error (root mean square, 8-bit code values) around it."""

    frame: int
    reason: Reason
    error: float


def suggest(
    window: FrameWindow, *, count: int | None = None, error: float | None = None, report: Report = silent
) -> list[SuggestedKey]:
    """So many keys, or as few as keep the clip's rebuild error (root mean square, code values) at or under `error`.

    Reads the window twice, forwards and backwards. Raises NothingToSuggest for a count or an error that can't be.
    """
    frames = window.frames
    if (count is None) == (error is None) or (count is not None and count < 1) or (error is not None and error <= 0):
        raise NothingToSuggest("Ask for a number of keys, 1 or more, or for an error above 0.")
    candidates = candidates_in(frames)
    ahead, back = _walks(window, candidates, report)
    search = _Search(frames, candidates, ahead, back)
    most = min(len(candidates), MOST_KEYS if count is None else count)
    chosen: tuple[int, ...] = ()
    for size in range(1 if count is None else most, most + 1):
        chosen = search.best(size)
        if error is not None and search.rebuild_error(chosen) <= error:
            break
    return [SuggestedKey(key, search.reason(chosen, i), search.error_around(chosen, i)) for i, key in enumerate(chosen)]


def candidates_in(frames: FrameRange) -> list[int]:
    """Every second frame, or wider apart in a long clip."""
    spacing = max(SPACING_FRAMES, ceil(len(frames) / MOST_CANDIDATES))
    first = frames.first + min(len(frames) - 1, spacing) // 2
    return list(range(first, frames.end, spacing))


def rebuild_error(window: FrameWindow, keys: Sequence[int], report: Report = silent) -> float:
    """The rebuild error of given keys over the window: root mean square, 8-bit code values."""
    ahead, back = _walks(window, keys, report)
    return _Search(window.frames, sorted(keys), ahead, back).rebuild_error(tuple(sorted(keys)))


def _walks(window: FrameWindow, candidates: Sequence[int], report: Report) -> tuple[KeyCoverage, KeyCoverage]:
    frames, walks = window.frames, (CoverageWalk(candidates), CoverageWalk(candidates))
    for done, number in enumerate(frames):
        walks[0].take(number, _small(window, number))
        report(done + 1, 2 * len(frames))
    for done, number in enumerate(reversed(range(frames.first, frames.end))):
        walks[1].take(number, _small(window, number))
        report(len(frames) + done + 1, 2 * len(frames))
    return walks[0].reach, walks[1].reach


def _small(window: FrameWindow, number: int) -> npt.NDArray[np.uint8]:
    picture = window.frame(number).rgb8()
    scale = LONG_SIDE_PX / max(window.size)
    if scale >= 1:
        return picture
    size = (max(16, round(window.size[0] * scale)), max(16, round(window.size[1] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


class _Search:
    """Dynamic programming over sets of keys, and what the chosen set is worth."""

    def __init__(self, frames: FrameRange, candidates: Sequence[int], ahead: KeyCoverage, back: KeyCoverage) -> None:
        self.frames, self.candidates, self.ahead, self.back = frames, list(candidates), ahead, back
        usual = float(np.median(list(ahead.steps.values()))) if ahead.steps else 0.0
        self.cuts = [t for t, e in ahead.steps.items() if e > max(CUT_ERROR, CUT_TIMES * usual)]
        self._costs: dict[tuple[int | None, int | None], float] = {}
        # _tables[m][j]: the least cost up to candidate j with m + 1 keys, the last of them j; and the one before it.
        first = [(self._cost(None, key), -1) for key in self.candidates]
        self._tables: list[list[tuple[float, int]]] = [first]

    def best(self, size: int) -> tuple[int, ...]:
        """The best `size` keys, in order."""
        while len(self._tables) < size:
            self._tables.append([self._last_but_one(j) for j in range(len(self.candidates))])
        last = min(
            range(size - 1, len(self.candidates)),
            key=lambda j: self._tables[size - 1][j][0] + self._cost(self.candidates[j], None),
        )
        chosen = []
        for table in reversed(self._tables[:size]):
            chosen.append(self.candidates[last])
            last = table[last][1]
        return tuple(reversed(chosen))

    def rebuild_error(self, keys: Sequence[int]) -> float:
        """Root mean square over all frames."""
        edges = [None, *keys, None]
        total = sum(self._cost(a, b) for a, b in pairwise(edges))
        return sqrt(total / len(self.frames))

    def error_around(self, keys: Sequence[int], index: int) -> float:
        """Root mean square from the key before to the key after."""
        edges = [None, *keys, None]
        before, key, after = edges[index], keys[index], edges[index + 2]
        first = self.frames.first if before is None else before
        end = self.frames.end if after is None else after
        return sqrt((self._cost(before, key) + self._cost(key, after)) / max(1, end - first))

    def reason(self, keys: Sequence[int], index: int) -> Reason:
        """Why this key of the set is one."""
        if index == 0:
            return "start"
        before, key, after = keys[index - 1], keys[index], (*keys, None)[index + 1]
        if self._is_cut(before, key):
            return "cut"
        wrong, near = self.ahead.at(before, key - before), [before]
        if after is not None and not self._is_cut(key, after):
            wrong, near = np.minimum(wrong, self.back.at(after, after - key)), [before, after]
        pictures = self.ahead.pictures
        return reason_of(pictures[key], [pictures[n] for n in near], wrong)

    def _is_cut(self, a: int, b: int) -> bool:
        return any(a < cut <= b for cut in self.cuts)

    def _last_but_one(self, j: int) -> tuple[float, int]:
        before = self._tables[-1]
        options = ((before[i][0] + self._cost(self.candidates[i], self.candidates[j]), i) for i in range(j))
        return min(options, default=(inf, -1))

    def _cost(self, left: int | None, right: int | None) -> float:
        if (left, right) not in self._costs:
            first = self.frames.first if left is None else left
            end = self.frames.end if right is None else right
            self._costs[left, right] = error_between((left, right), range(first, end), self.ahead, self.back)
        return self._costs[left, right]
