"""SMPTE timecode: the name of a frame by the clock on its tape (SMPTE ST 12-1)."""

from __future__ import annotations

import re
from fractions import Fraction

from restrip.timeline import Rate

_FORM = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})([:;.,])(\d{2,3})")


def advanced(timecode: str, rate: Rate, frames: int) -> str:
    """The timecode `frames` frames of `rate` later; "" for a text that is no timecode. A day has 24 hours.

    A ';' before the frames says drop-frame counting: at 30000/1001 the numbers 00 and 01 (at twice that rate 00 to 03)
    are left out each minute that is no multiple of ten, so that the clock keeps up with real time.
    """
    found = _FORM.fullmatch(timecode.strip())
    if found is None:
        return ""
    hours, minutes, seconds, frame = (int(found[group]) for group in (1, 2, 3, 5))
    whole = max(1, round(rate.fraction))
    dropped = _dropped(whole) if found[4] in ";.," else 0
    total_minutes = hours * 60 + minutes
    number = (total_minutes * 60 + seconds) * whole + frame - dropped * (total_minutes - total_minutes // 10)
    day = 24 * 6 * (600 * whole - 9 * dropped)
    return _named((number + frames) % day, whole, dropped, found[4])


def shown_at(timecode: str, media: Rate, time: Fraction, rate: Rate) -> str:
    """The timecode for a frame of a movie at `rate` that shows what media beginning with `timecode` has at `time`.

    `time` is in seconds from the media's beginning. It is the name of the media's own frame; at another rate the frames
    of its second are counted at that one.
    """
    named = advanced(timecode, media, int(time * media.fraction))
    found = _FORM.fullmatch(named)
    if found is None:
        return ""
    frames = int(found[5]) * round(rate.fraction) // max(1, round(media.fraction))
    # Numbers are only dropped at 30000/1001 and its multiples.
    keeps = rate == media or found[4] == ":" or (rate.fraction * 1001) % 30000 == 0
    return f"{found[1]}:{found[2]}:{found[3]}{found[4] if keeps else ':'}{frames:02}"


def _dropped(whole: int) -> int:
    return whole // 15 if whole in (30, 60, 120) else 0


def _named(number: int, whole: int, dropped: int, mark: str) -> str:
    if dropped:
        tens, rest = divmod(number, 600 * whole - 9 * dropped)
        later = max(0, rest - 60 * whole) // (60 * whole - dropped) + 1 if rest >= 60 * whole else 0
        number += dropped * (9 * tens + later)
    seconds, frame = divmod(number, whole)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{frame:02}"
