"""What goes into propagation and what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from restrip.media.frame import Frame, Picture, SizeMismatch
from restrip.timeline import FrameRange


class FrameWindow(Protocol):
    """The source frames of one segment, read one at a time in any order."""

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels of every frame."""

    @property
    def frames(self) -> FrameRange:
        """The frames that can be read."""

    def frame(self, n: int) -> Frame:
        """Frame number n of the clip."""


@dataclass(frozen=True, eq=False)
class StyledKey:
    """A key as its look made it: the source frame and the picture, of one size; the picture's depth is the output's.

    Raises SizeMismatch when the sizes differ.
    """

    frame: int
    source: Frame
    picture: Frame

    def __post_init__(self) -> None:
        if self.source.size != self.picture.size:
            raise SizeMismatch(f"Key {self.frame} is {self.picture.size}, its source frame {self.source.size}.")


@dataclass(frozen=True, eq=False)
class CarriedFrame:
    """One frame of a segment as each key carries it; None where there is no such key.

    `baked` is the per-pixel mix of both for baked output; None unless it was asked for. `alike`: left and right are
    the same picture, in this and in every other frame of the segment.
    """

    left: Frame | None
    right: Frame | None
    baked: Frame | None
    alike: bool = False


def with_alpha_of(source: Frame | None, rgb: Picture) -> Frame:
    """A picture as a frame with the source's alpha, in the picture's depth; opaque without one."""
    deep = rgb.dtype == np.uint16
    return Frame(rgb, None if source is None or source.alpha is None else source.with_depth(deep).alpha)
