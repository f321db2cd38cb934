"""SMPTE timecode: the name of a frame by the clock on its tape (SMPTE ST 12-1)."""

from __future__ import annotations

import re

from restrip.timeline.rate import Rate

FORM = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")
"""Hours, minutes, seconds, the mark before the frames, frames."""


def counting(rate: Rate, mark: str) -> tuple[int, int]:
    """(numbers a second, how many of them are left out each minute that is no multiple of ten).

    A ';' before the frames says drop-frame counting: at 30000/1001 the numbers 00 and 01 (at twice that rate 00 to 03)
    are left out, so that the clock keeps up with real time.
    """
    whole = max(1, round(rate.fraction))
    return whole, whole // 15 if mark in ";.," and whole in (30, 60, 120) else 0


def frame_number(timecode: str, rate: Rate) -> int | None:
    """How many frames of `rate` a timecode is from 00:00:00:00; None for a text that is no timecode."""
    found = FORM.fullmatch(timecode.strip())
    if found is None:
        return None
    hours, minutes, seconds, frame = (int(found[group]) for group in (1, 2, 3, 5))
    whole, dropped = counting(rate, found[4])
    total_minutes = hours * 60 + minutes
    return (total_minutes * 60 + seconds) * whole + frame - dropped * (total_minutes - total_minutes // 10)
