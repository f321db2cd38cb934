"""A player of OpenTimelineIO timelines: which frame of which file shows at each frame, and how much of it.

SMPTE_Dissolve: over the `in_offset` before a cut and the `out_offset` after it the next clip comes in linearly;
both clips play on into their handles meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import opentimelineio as otio


@dataclass(frozen=True)
class Shown:
    """A frame of a file, counted from the file's first, and its share of the picture."""

    file: str
    frame: Fraction
    share: Fraction


def play(timeline: Any, track_name: str) -> Iterator[list[Shown]]:
    """For each frame of the track, what shows, the outgoing clip first. Fails where a handle is too short."""
    track = next(track for track in timeline.tracks if track.name == track_name)
    for frame in range(round(track.duration().value)):
        shown = [shot for clip in track.find_clips() if (shot := _shown(track, clip, frame)) is not None]
        assert sum(shot.share for shot in shown) == 1, (frame, shown)
        yield shown


def _shown(track: Any, clip: Any, frame: int) -> Shown | None:
    """What the clip adds at a frame; None when it adds nothing."""
    place = track.range_of_child(clip)
    first, end = _exact(place.start_time), _exact(place.end_time_exclusive())
    before, after = _neighbours(track, clip)
    share = Fraction(1)
    if before is not None:
        share *= _come_in(before, first, frame)
    elif frame < first:
        share = Fraction(0)
    if after is not None:
        share *= 1 - _come_in(after, end, frame)
    elif frame >= end:
        share = Fraction(0)
    if not share:
        return None
    at = _media_frame(clip, frame - first)
    length = _exact(clip.media_reference.available_range.duration)
    assert 0 <= at < length, f"{clip.name} has no frame {at} of {length}: the handle is too short at {frame}"
    return Shown(_file(clip.media_reference), at, share)


def _come_in(transition: Any, cut: Fraction, frame: int) -> Fraction:
    """How far the clip after the cut has come in."""
    begin, end = cut - _exact(transition.in_offset), cut + _exact(transition.out_offset)
    return min(max(Fraction(frame - begin) / (end - begin), Fraction(0)), Fraction(1))


def _neighbours(track: Any, clip: Any) -> tuple[Any, Any]:
    around = track.neighbors_of(clip)
    return tuple(
        item if isinstance(item, otio.schema.Transition) and item.transition_type == "SMPTE_Dissolve" else None
        for item in around
    )


def _media_frame(clip: Any, since: Fraction) -> Fraction:
    """The frame of the file, `since` frames of the timeline after the clip's first."""
    speed = Fraction(1)
    for effect in clip.effects:
        speed *= Fraction(effect.time_scalar).limit_denominator(10**6)
    start, begin = clip.source_range.start_time, clip.media_reference.available_range.start_time
    step = Fraction(start.rate / clip.source_range.duration.rate).limit_denominator(10**6)
    return _exact(start) - _exact(begin.rescaled_to(start)) + since * speed * step


def _file(media: Any) -> str:
    if isinstance(media, otio.schema.ImageSequenceReference):
        return media.abstract_target_url("*")
    return media.target_url


def _exact(time: Any) -> Fraction:
    return Fraction(time.value).limit_denominator(10**6)
