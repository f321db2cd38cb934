"""What a front-end hands over: a trimmed piece of media on a timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from restrip.codec import at
from restrip.errors import BadInput
from restrip.timeline.range import BadRange, FrameRange
from restrip.timeline.rate import Rate

MATRICES = ("bt709", "smpte170m", "bt2020nc")
"""The colour matrices of BT.709, BT.601 and BT.2020, in FFmpeg's words."""
MOST_SECONDS = 10**7


class UnknownMatrix(BadInput):
    """A colour matrix that clips can't be read with."""

    code = "unknown-matrix"

    def __init__(self, given: str) -> None:
        super().__init__(f"There is no colour matrix {given[:80]!r}.", f"Use one of {', '.join(MATRICES)}.")


@dataclass(frozen=True)
class ClipRange:
    """The visible frames of a strip, counted from 0, and where they lie in the media and on the timeline.

        media     |-----trim_in-----[0 1 2 ... length-1]------|
        timeline            timeline_start ^

    `paths` is one movie file, or the pictures of an image sequence in order. `rate` is the timeline's. Frame n shows
    the media at the time (trim_in + n) / source_rate + offset_s; `source_rate` is the timeline's rate unless the
    editor plays the media frame by frame at another speed. `trim_in` counts frames of source_rate. `offset_s` is 0
    unless the editor shows the nearest frame instead of the last: then it is half a frame of the media, in seconds.
    `untagged` is the colour matrix, one of MATRICES, that the editor takes a movie for which names none; "" is what
    most players take: BT.709 from 1280x720 on, else BT.601.
    """

    paths: tuple[str, ...]
    rate: Rate
    source_rate: Rate | None = field(default=None, kw_only=True)
    trim_in: int = field(default=0, kw_only=True)
    length: int
    timeline_start: int = 0
    name: str = ""
    offset_s: Fraction = field(default=Fraction(0), metadata=at(most=MOST_SECONDS))
    untagged: str = ""

    def __post_init__(self) -> None:
        if not self.paths:
            raise BadRange("The clip names no media file.", "Choose a movie or at least one picture.")
        if self.length < 1:
            raise BadRange(f"The clip has {self.length} frames.", "Choose a range with at least one frame.")
        if self.untagged and self.untagged not in MATRICES:
            raise UnknownMatrix(self.untagged)

    @property
    def frames(self) -> FrameRange:
        """All frames of the clip: [0, length)."""
        return FrameRange(0, self.length)

    def media_time(self, frame: int) -> Fraction:
        """The media's presentation time that frame shows, in seconds from the media's first frame."""
        return (self.source_rate or self.rate).seconds(self.trim_in + frame) + self.offset_s
