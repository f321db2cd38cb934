"""The keys to make: what is asked for, and what the keys of one call have in common."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from restrip.media.frame_colours import AS_SRGB, FrameColours

if TYPE_CHECKING:
    from restrip.looks.diffusion.runtime.image_tensors import Floats
    from restrip.media.frame import Frame
    from restrip.timeline import ClipRange, Key


@dataclass(frozen=True, eq=False)
class Before:
    """The key before: its frame and its finished picture."""

    frame: Frame
    picture: Frame


@dataclass(frozen=True, eq=False)
class Task:
    """One key to make; `matte` [H, W] float32 in 0..1. `finished` is the picture of an anchor that is there already."""

    frame: Frame
    key: Key
    matte: Floats | None = None
    before: Before | None = None
    finished: Frame | None = None

    def digest(self, *, numbered: bool = True) -> str:
        """Says which frame and matte this is; `numbered` with the key, whose number chooses control pictures."""
        content = hashlib.sha256(self.frame.rgb.data)
        if self.matte is not None:
            content.update(np.ascontiguousarray(self.matte).data)
        if self.finished is not None:
            content.update(self.finished.rgb.data)
        if numbered:
            content.update(repr(self.key).encode())
        return content.hexdigest()


@dataclass(frozen=True, eq=False)
class Round:
    """What the keys of one call have in common: their anchor, the clip that they are of, how many the job has yet to
    make, these among them, and what the numbers of their frames mean.
    """

    anchor: Task | None = None
    clip: ClipRange | None = None
    keys: int = 0
    colours: FrameColours = AS_SRGB
