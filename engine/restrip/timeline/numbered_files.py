"""Pictures whose names differ in a number."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import gcd

from restrip.timeline.picture_files import pictures_in


@dataclass(frozen=True)
class PictureRun:
    """`length` pictures named folder/prefix + number + suffix, the number going up by `step` from `start`.

    `digits` is the least number of digits, filled with zeros; 0 says that the one picture's name has no number.
    """

    folder: str
    prefix: str
    suffix: str
    start: int = 0
    digits: int = 0
    step: int = 1
    length: int = 1

    @classmethod
    def of(cls, path: str) -> PictureRun:
        """The run of one picture. The last number in its name counts."""
        folder, name = os.path.split(path)
        parts = re.fullmatch(r"(.*?)([0-9]+)([^0-9]*)", name)
        if parts is None:
            return cls(folder, name, "")
        return cls(folder, parts[1], parts[3], int(parts[2]), len(parts[2]))

    @property
    def end(self) -> int:
        """The number that the next picture would have."""
        return self.start + self.length * self.step

    def with_next(self, path: str) -> PictureRun | None:
        """The run with the picture `path` at its end; None when that doesn't go on with it."""
        other = PictureRun.of(path)
        alike = (self.folder, self.prefix, self.suffix) == (other.folder, other.prefix, other.suffix)
        filled = other.digits == max(self.digits, len(str(other.start)))
        step = other.start - self.start if self.length == 1 else self.step
        if not (alike and filled and self.digits and step > 0 and other.start == self.start + self.length * step):
            return None
        return replace(self, step=step, length=self.length + 1)


def runs_of(paths: Sequence[str]) -> list[PictureRun]:
    """The pictures of a sequence as the fewest runs, in order."""
    runs: list[PictureRun] = []
    for path in paths:
        longer = runs[-1].with_next(path) if runs else None
        if longer is None:
            runs.append(PictureRun.of(path))
        else:
            runs[-1] = longer
    return runs


@dataclass(frozen=True)
class Gap:
    """Numbers that are missing between two neighbours of a sequence: `count` pictures before place `place`."""

    place: int
    count: int
    before: str
    after: str


def gaps_of(paths: Sequence[str]) -> list[Gap]:
    """Where the numbers of a sequence's pictures jump by more than they usually do.

    Names that count something else than frames (the time of day, more missing than there) have no gaps.
    """
    numbered = [PictureRun.of(path) for path in paths]
    jumps = []
    for place, (one, other) in enumerate(pairwise(numbered), start=1):
        alike = (one.folder, one.prefix, one.suffix) == (other.folder, other.prefix, other.suffix)
        if alike and one.digits and other.start > one.start:
            jumps.append((place, other.start - one.start))
    step = gcd(*(jump for _, jump in jumps)) if jumps else 0
    gaps = [
        Gap(place, jump // step - 1, os.path.basename(paths[place - 1]), os.path.basename(paths[place]))
        for place, jump in jumps
        if jump > step
    ]
    return gaps if sum(gap.count for gap in gaps) <= len(paths) else []


def pictures_of(folder: str | os.PathLike[str], gaps: str) -> list[str]:
    """The pictures of a folder as a clip; with `gaps` "hold" every gap shows the picture before it, as editors do.

    Raises OSError.
    """
    found = [str(picture) for picture in pictures_in(folder)]
    return with_held(found) if gaps == "hold" else found


def with_held(paths: Sequence[str]) -> list[str]:
    """The pictures with every gap filled by the one before it."""
    held = {gap.place: gap.count for gap in gaps_of(paths)}
    filled: list[str] = []
    for place, path in enumerate(paths):
        filled += filled[-1:] * held.get(place, 0)
        filled.append(path)
    return filled
