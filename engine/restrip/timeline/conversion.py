"""Into what a timeline file can be converted at a rate: formats that count in timecode know a few rates alone."""

from __future__ import annotations

from restrip.timeline.clip import ClipRange
from restrip.timeline.rate import Rate

TIMECODE_RATES = tuple(
    Rate.of(*rate)
    for rate in ((24000, 1001), (24,), (25,), (30000, 1001), (30,), (48000, 1001), (48,), (50,), (60000, 1001), (60,))
)
"""The rates of SMPTE ST 12 timecode, and their doubles that OpenTimelineIO's tools take."""


def conversion_note(clip: ClipRange) -> str:
    """What can't be made of a timeline at the clip's rate and what can; "" when everything can."""
    if clip.rate in TIMECODE_RATES:
        return ""
    fitting = [rate for rate in TIMECODE_RATES if (rate.fraction / clip.rate.fraction).denominator == 1]
    again = f", or render again with the rate {fitting[0]}, which shows the same frames" if fitting else ""
    again = again if len(clip.paths) == 1 else ""
    return (
        f"At {clip.rate} frames a second the timeline file can't be converted to Final Cut XML or an EDL, which have "
        f"no timecode for that rate: import the .otio itself or convert it to MLT{again}."
    )
