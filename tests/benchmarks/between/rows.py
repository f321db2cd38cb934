"""The rows of the benchmark: a clip, a look, and how far apart the keys are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from between.footage import CLIPS, Picture, frames_of, path_of


@dataclass(frozen=True)
class Row:
    """Keys on the first and on the last of `apart` + 1 frames; `look` is a key of `keys.MAKERS`."""

    clip: str
    look: str
    apart: int = 20
    fast: bool = False

    @property
    def name(self) -> str:
        """As it is printed, chosen and recorded."""
        return f"{self.clip}, {self.look}, {self.apart}"

    def frames(self, folder: Path | None) -> list[Picture] | None:
        """The frames from key to key; None when the clip isn't there."""
        clip = CLIPS[self.clip]
        path = path_of(clip, folder)
        return None if path is None else frames_of(path, clip.first, self.apart + 1, clip.size)


ROWS = (
    Row("runner", "look 19", fast=True),
    Row("close face", "look 19", fast=True),
    Row("close face", "look 19", 37),
    Row("wolf", "look 3", fast=True),
    Row("car's turn", "look 11", fast=True),
    Row("runner", "tiny-sd", fast=True),
    Row("runner", "tiny-sd seeds"),
    Row("close face", "painting"),
    Row("wolf", "tiny-sd seeds"),
    Row("runner", "look 3", 40),
    Row("car's turn", "painting", 40),
    Row("bunny", "look 19"),
    Row("bunny", "look 3", 40),
    Row("bunny", "tiny-sd"),
    Row("bikes", "look 11"),
    Row("bikes", "painting", 40),
    Row("carphone", "look 19"),
    Row("carphone", "tiny-sd seeds", 40),
)


def chosen(asked: str, fast: bool) -> Sequence[Row]:
    """The rows whose names hold one of the comma-separated parts ("wolf", "tiny-sd", "runner/look 19"), or all."""
    parts = [part.strip() for part in asked.split(",") if part.strip()]
    rows = [row for row in ROWS if not fast or row.fast]
    return [row for row in rows if not parts or any(_fits(row, part) for part in parts)]


def _fits(row: Row, part: str) -> bool:
    return all(word in row.name.replace(", ", "/") for word in re.split(r"/", part))
