"""Timecodes that Resolve gives, as frame numbers."""

from __future__ import annotations

from restrip.errors import RestripError
from restrip.timeline import Rate
from restrip.timeline.timecode import frame_number


class BadTimecode(RestripError):
    """A text from Resolve that is no timecode."""

    code = "bad-timecode"

    def __init__(self, text: object) -> None:
        super().__init__(
            f"Resolve gave the timecode {text!r}, which can't be read.", "Move the playhead and try again."
        )


def frame_of(timecode: str, rate: Rate, drop: bool = False) -> int:
    """The frame number of a timecode, counted from 00:00:00:00; ';' before the frames says drop as well.

    Raises BadTimecode.
    """
    text = timecode.strip() if isinstance(timecode, str) else ""
    if drop and text.count(":") == 3:
        text = ";".join(text.rsplit(":", 1))
    number = frame_number(text.replace(";", ":", text.count(";") - 1), rate)
    if number is None:
        raise BadTimecode(timecode)
    return number
