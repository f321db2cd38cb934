"""Timecodes as frame numbers, with and without dropped numbers (SMPTE ST 12-1)."""

from __future__ import annotations

import re

from restrip.errors import RestripError
from restrip.timeline import Rate

_TIMECODE = re.compile(r"(\d+)[:;](\d+)[:;](\d+)([:;.])(\d+)")


class BadTimecode(RestripError):
    """A text from Resolve that is no timecode."""

    code = "bad-timecode"

    def __init__(self, text: object) -> None:
        super().__init__(
            f"Resolve gave the timecode {text!r}, which can't be read.", "Move the playhead and try again."
        )


def frame_of(timecode: str, rate: Rate, drop: bool = False) -> int:
    """The frame number of a timecode, counted from 00:00:00:00; ';' before the frames says drop as well.

    Timecode counts at the rounded rate: 30 at 29.97. Dropping leaves out the numbers 0 and 1 (at 59.94: 0 to 3) of
    every minute but each tenth. Raises BadTimecode.
    """
    match = _TIMECODE.fullmatch(timecode.strip()) if isinstance(timecode, str) else None
    if match is None:
        raise BadTimecode(timecode)
    hours, minutes, seconds, mark, frames = match.groups()
    base = round(float(rate))
    total_minutes = int(hours) * 60 + int(minutes)
    number = (total_minutes * 60 + int(seconds)) * base + int(frames)
    if (drop or mark == ";") and base % 30 == 0:
        number -= (base // 15) * (total_minutes - total_minutes // 10)
    return number
