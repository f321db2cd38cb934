"""Timecode arithmetic, drop-frame counting included."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.media.timecode import advanced, shown_at
from restrip.timeline import Rate

NTSC = Rate.of(30000, 1001)


@pytest.mark.parametrize(
    ("start", "rate", "frames", "end"),
    [
        ("01:00:00:05", Rate.of(25), 0, "01:00:00:05"),
        ("01:00:00:05", Rate.of(25), 20, "01:00:01:00"),
        ("23:59:59:24", Rate.of(25), 1, "00:00:00:00"),
        ("00:00:59:23", Rate.of(24000, 1001), 1, "00:01:00:00"),
        ("00:00:59;29", NTSC, 1, "00:01:00;02"),
        ("00:09:59;29", NTSC, 1, "00:10:00;00"),
        ("00:00:00;00", NTSC, 17982, "00:10:00;00"),
        ("00:00:00;00", NTSC, 107892, "01:00:00;00"),
        ("00:01:59;29", NTSC, 1, "00:02:00;02"),
        ("00:00:59;59", Rate.of(60000, 1001), 1, "00:01:00;04"),
        ("00:00:59:29", NTSC, 1, "00:01:00:00"),
        ("no timecode", NTSC, 1, ""),
    ],
)
def test_known_timecodes(start: str, rate: Rate, frames: int, end: str) -> None:
    assert advanced(start, rate, frames) == end


@pytest.mark.parametrize(
    ("start", "media", "time", "rate", "named"),
    [
        ("01:00:00:05", Rate.of(25), Fraction(2, 25), Rate.of(25), "01:00:00:07"),
        ("00:00:59;29", NTSC, Fraction(1001, 30000), NTSC, "00:01:00;02"),
        # Half a second later is half a second's worth of frames, at whatever rate they are counted.
        ("01:00:00:00", Rate.of(50), Fraction(1, 2), Rate.of(24), "01:00:00:12"),
        ("01:00:00:24", Rate.of(25), Fraction(0), Rate.of(24), "01:00:00:23"),
        ("01:00:00:23", Rate.of(24), Fraction(0), Rate.of(50), "01:00:00:47"),
        # Numbers are left out at 29.97 and 59.94 only.
        ("00:01:00;02", NTSC, Fraction(0), Rate.of(25), "00:01:00:01"),
        ("00:01:00;02", NTSC, Fraction(0), Rate.of(60000, 1001), "00:01:00;04"),
        ("00:01:00;02", NTSC, Fraction(0), Rate.of(30), "00:01:00:02"),
        ("", NTSC, Fraction(3), NTSC, ""),
    ],
)
def test_the_timecode_of_a_frame_that_is_shown(start: str, media: Rate, time: Fraction, rate: Rate, named: str) -> None:
    assert shown_at(start, media, time, rate) == named


@given(st.integers(0, 2_589_407), st.integers(0, 100_000))
def test_steps_add_up(start: int, step: int) -> None:
    """Drop-frame: a day of 2589408 frames; going in two steps leads where one step leads."""
    there = advanced("00:00:00;00", NTSC, start)
    assert advanced(there, NTSC, step) == advanced("00:00:00;00", NTSC, start + step)
    minutes, frame = int(there[3:5]), int(there[9:])
    assert not (minutes % 10 and there[6:8] == "00" and frame < 2)
