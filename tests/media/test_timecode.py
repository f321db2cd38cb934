"""Timecode arithmetic, drop-frame counting included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.media.timecode import advanced
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


@given(st.integers(0, 2_589_407), st.integers(0, 100_000))
def test_steps_add_up(start: int, step: int) -> None:
    """Drop-frame: a day of 2589408 frames; going in two steps leads where one step leads."""
    there = advanced("00:00:00;00", NTSC, start)
    assert advanced(there, NTSC, step) == advanced("00:00:00;00", NTSC, start + step)
    minutes, frame = int(there[3:5]), int(there[9:])
    assert not (minutes % 10 and there[6:8] == "00" and frame < 2)
