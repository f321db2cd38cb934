"""What was found out about one given key, and what is to be done with it. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.errors import BadInput

SET_BACK_STAGE = 6
"""Raised when a key is set back to another picture: what older code made is then not found any more."""


class KeyNotInRegister(BadInput):
    """With strict keys, one that lies too far beside its frame."""

    code = "key-not-in-register"

    def __init__(self, frame: int, said: str, off_px: float, most_px: float) -> None:
        super().__init__(
            f"The picture of key {frame} is {said}: {off_px:.1f} px on average, and {most_px:g} px are the most.",
            "Export the key without moving or scaling it, raise the limit, or let keys be laid on their frames "
            "automatically.",
            frame=frame,
            off_px=round(off_px, 2),
            most_px=most_px,
        )


class KeyUnlikeFrame(BadInput):
    """With strict keys, one that can't be compared with its frame: most likely the key of another clip."""

    code = "key-unlike-frame"

    def __init__(self, frame: int, said: str) -> None:
        super().__init__(
            f"The picture of key {frame} can't be compared with its frame, {said}.",
            "Check that it was painted on this clip's frame; if it was, let keys be laid on their frames "
            "automatically: such a key is then used as it is.",
            frame=frame,
        )


@dataclass(frozen=True)
class Comparison:
    """How a key's picture lies beside its frame.

    `verdict` is "same", "moved" (and `warp` sets it back), "unsure" (moved, but the measure can't be trusted), "other"
    (it shows other shapes than the frame) or "unlike" (there is too little to compare). `said` are the words for
    it, `off_px` the mean distance, `agreement` how well edges agree in 0..1, `cycle_px` how far the way there and back
    misses. `way` is how a key of another shape is laid on the frame (see placing.py), and `size` is what it had.
    """

    verdict: str = "same"
    said: str = ""
    warp: Mapping[str, Any] | None = None
    off_px: float = 0.0
    agreement: float = 0.0
    cycle_px: float = 0.0
    way: str = ""
    size: tuple[int, int] = (0, 0)

    @property
    def shown(self) -> str:
        """What a key of another shape shows of its frame, as a sentence about it; "" when it fills it."""
        size = f"{self.size[0]}x{self.size[1]}"
        return {
            "": "",
            "inside": f"({size}) shows a part of the frame: it isn't stretched, the rest is the frame in its colours",
            "around": f"({size}) has edges beyond the frame: they are cut off, and it isn't stretched",
            "between bars": f"({size}) has bars: they are left out, there the frame is in its colours",
            "without bars": f"({size}) has bars around all of the frame: they are cut off",
        }[self.way]

    def note(self, frame: int) -> str:
        """The sentence for the user; "" when there is nothing to say."""
        return self.note_of(f"key {frame}")

    def note_of(self, key: str) -> str:
        """The same of a key that is called so."""
        start = f"The picture of {key}"
        shape = f"{start} {self.shown}." if self.way else ""
        return " ".join(filter(None, (shape, self._said("It" if shape else start))))

    def _said(self, start: str) -> str:
        return {
            "same": "",
            "moved": f"{start} was {self.said}: set back.",
            "unsure": f"{start} seems to be {self.said}, but that can't be trusted: it is used as it is.",
            "other": f"{start} shows other shapes than the frame in {self.said}: it is used as it is.",
            "unlike": f"{start} can't be compared with its frame, {self.said}: it is used as it is.",
        }[self.verdict]


@dataclass(frozen=True)
class Correction:
    """What is done with a given key: `warp` is a Warp's JSON or None, `way` as a Comparison has it, the others are the
    settings of those names.
    """

    warp: Mapping[str, Any] | None = None
    color_lock: bool = False
    put_back: bool = False
    way: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What of it decides the key's picture: empty when nothing changes."""
        found = {"warp": self.warp, "color_lock": self.color_lock, "put_back": self.put_back, "way": self.way}
        facts = {name: value for name, value in found.items() if value}
        return {**facts, "stage": SET_BACK_STAGE} if self.warp or self.way else facts
