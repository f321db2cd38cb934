"""The anchor that a look file brings: a key of another strip, finished, that keys of any clip are made against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from restrip.media.frame import Frame

if TYPE_CHECKING:
    from restrip.timeline import Key


@dataclass(frozen=True, eq=False)
class GivenAnchor:
    """A frame and its finished picture, of one size, with the prompt and the seed that it was made with.

    `digest` stands for all of it in the hashes of keys; `name` is the look file's, for notes and facts.
    """

    frame: Frame
    picture: Frame
    prompt: str | None
    seed: int | None
    digest: str
    name: str

    def picture_of(self, frame: Frame, key: Key) -> Frame | None:
        """The finished picture, if this key is the anchor itself: the same frame, prompt and seed; else None."""
        same = (
            (key.prompt or "", key.seed) == (self.prompt or "", self.seed)
            and frame.rgb.dtype == self.frame.rgb.dtype
            and np.array_equal(frame.rgb, self.frame.rgb)
        )
        return Frame(self.picture.rgb, frame.alpha) if same else None


def covering(frame: Frame, size: tuple[int, int]) -> Frame:
    """The middle of a frame in the shape of `size` (width, height), with the frame's own pixels."""
    width, height = frame.size
    wide, high = min(width, max(1, height * size[0] // size[1])), min(height, max(1, width * size[1] // size[0]))
    left, top = (width - wide) // 2, (height - high) // 2
    return Frame(np.ascontiguousarray(frame.rgb[top : top + high, left : left + wide]))
