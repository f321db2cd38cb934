"""What is said of a timeline file's rate is what OpenTimelineIO's tools can do."""

from __future__ import annotations

import pytest

from restrip.timeline import ClipRange, Rate
from restrip.timeline.conversion import TIMECODE_RATES, conversion_note


def clip(rate: Rate, *paths: str) -> ClipRange:
    return ClipRange(paths or ("/a.mp4",), rate, 10)


@pytest.mark.parametrize(
    ("rate", "again"), [((8,), "24"), ((12,), "24"), ((15,), "30"), ((16,), "48"), ((10,), "30"), ((20,), "60")]
)
def test_slow_rates_name_what_can_be_done(rate: tuple[int, ...], again: str) -> None:
    note = conversion_note(clip(Rate.of(*rate)))
    assert f"At {rate[0]} frames a second" in note and "EDL" in note and "MLT" in note
    assert f"the rate {again}," in note
    assert "rate" not in conversion_note(clip(Rate.of(*rate), "/a.png", "/b.png")).split("MLT")[1]


def test_rates_without_a_multiple_and_usual_ones() -> None:
    for rate in (Rate.of(120), Rate.of(18), Rate.of(1000, 41)):
        assert conversion_note(clip(rate)).endswith("convert it to MLT.")
    assert all(conversion_note(clip(rate)) == "" for rate in TIMECODE_RATES)


def test_the_list_is_that_of_the_tools() -> None:
    otio = pytest.importorskip("opentimelineio")
    for rate in TIMECODE_RATES:
        assert otio.opentime.RationalTime.is_smpte_timecode_rate(float(rate)), rate
    for rate in (8, 10, 12, 15, 16, 18, 20, 23, 100, 120):
        assert not otio.opentime.RationalTime.is_smpte_timecode_rate(rate), rate
