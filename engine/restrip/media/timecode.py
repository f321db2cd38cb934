"""The timecode of a frame further on (SMPTE ST 12-1)."""

from __future__ import annotations

from fractions import Fraction

from restrip.timeline import Rate
from restrip.timeline.timecode import FORM, counting, frame_number


def advanced(timecode: str, rate: Rate, frames: int) -> str:
    """The timecode `frames` frames of `rate` later; "" for a text that is no timecode. A day has 24 hours."""
    found, number = FORM.fullmatch(timecode.strip()), frame_number(timecode, rate)
    if found is None or number is None:
        return ""
    whole, dropped = counting(rate, found[4])
    day = 24 * 6 * (600 * whole - 9 * dropped)
    return _named((number + frames) % day, whole, dropped, found[4])


def shown_at(timecode: str, media: Rate, time: Fraction, rate: Rate) -> str:
    """The timecode for a frame of a movie at `rate` that shows what media beginning with `timecode` has at `time`.

    `time` is in seconds from the media's beginning. It is the name of the media's own frame; at another rate the frames
    of its second are counted at that one.
    """
    named = advanced(timecode, media, int(time * media.fraction))
    found = FORM.fullmatch(named)
    if found is None:
        return ""
    frames = int(found[5]) * round(rate.fraction) // max(1, round(media.fraction))
    # Numbers are only dropped at 30000/1001 and its multiples.
    keeps = rate == media or found[4] == ":" or (rate.fraction * 1001) % 30000 == 0
    return f"{found[1]}:{found[2]}:{found[3]}{found[4] if keeps else ':'}{frames:02}"


def _named(number: int, whole: int, dropped: int, mark: str) -> str:
    if dropped:
        tens, rest = divmod(number, 600 * whole - 9 * dropped)
        later = max(0, rest - 60 * whole) // (60 * whole - dropped) + 1 if rest >= 60 * whole else 0
        number += dropped * (9 * tens + later)
    seconds, frame = divmod(number, whole)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{frame:02}"
