"""The objects of an OpenTimelineIO file that Restrip writes, as the format's JSON.

The format is small and stable, and the package that reads it needs a compiled wheel for each Python. So the objects are
written here, with the schema versions that OpenTimelineIO 0.15 and everything newer reads. The tests read them back
with the package and compare every field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from restrip.timeline.rate import Rate

Object = dict[str, Any]
"""A schema object as JSON has it: "OTIO_SCHEMA" says which, the rest are its fields."""

CYAN = "CYAN"
DISSOLVE = "SMPTE_Dissolve"
VIDEO, AUDIO = "Video", "Audio"


def rational_time(value: int | Fraction, rate: Rate) -> Object:
    """A time in frames of `rate`."""
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate), "value": float(value)}


def time_range(start: int | Fraction, length: int | Fraction, rate: Rate) -> Object:
    """`length` frames of `rate` from frame `start` on."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "duration": rational_time(length, rate),
        "start_time": rational_time(start, rate),
    }


def timeline(name: str, start: Object, tracks: Sequence[Object], metadata: Mapping[str, Any]) -> Object:
    """A timeline of tracks, the lowest first, that begins at the time `start`."""
    return {
        **_named("Timeline.1", name, metadata),
        "global_start_time": start,
        "tracks": {**_item("Stack.1", "tracks"), "children": list(tracks)},
    }


def track(name: str, kind: str, children: Sequence[Object]) -> Object:
    """A track of clips and the transitions between them, in order; `kind` is VIDEO or AUDIO."""
    return {**_item("Track.1", name), "children": list(children), "kind": kind}


def gap(source_range: Object) -> Object:
    """Nothing, for as long as the range: what lies below shows."""
    return _item("Gap.1", "", source_range)


def clip(media: Object, source_range: Object, **fields: Any) -> Object:
    """A part of a media reference, named like it; `fields` are metadata, effects and markers."""
    return {
        **_item("Clip.2", media["name"], source_range),
        **fields,
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def dissolve(name: str, in_offset: Object, out_offset: Object, metadata: Mapping[str, Any]) -> Object:
    """A linear crossfade over the cut between its neighbours in the track."""
    return {
        **_named("Transition.1", name, metadata),
        "in_offset": in_offset,
        "out_offset": out_offset,
        "transition_type": DISSOLVE,
    }


def marker(name: str, color: str, marked: Object, metadata: Mapping[str, Any]) -> Object:
    """A marker over the range `marked` of its clip's media."""
    return {**_named("Marker.2", name, metadata), "color": color, "marked_range": marked, "comment": ""}


def linear_time_warp(time_scalar: float) -> Object:
    """An effect that plays its clip `time_scalar` times as fast."""
    return {
        **_named("LinearTimeWarp.1", ""),
        "effect_name": "LinearTimeWarp",
        "enabled": True,
        "time_scalar": time_scalar,
    }


def external_reference(name: str, url: str, available: Object) -> Object:
    """One media file and the range that it has."""
    return {**_media("ExternalReference.1", name, available), "target_url": url}


def image_sequence_reference(name: str, folder: str, available: Object, **fields: Any) -> Object:
    """Pictures of one folder with numbers in their names.

    `fields` are name_prefix, name_suffix, start_frame, frame_step, rate and frame_zero_padding.
    """
    return {
        **_media("ImageSequenceReference.1", name, available),
        "target_url_base": folder,
        **fields,
        "missing_frame_policy": "error",
    }


def _named(schema: str, name: str, metadata: Mapping[str, Any] | None = None) -> Object:
    return {"OTIO_SCHEMA": schema, "metadata": dict(metadata or {}), "name": name}


def _item(schema: str, name: str, source_range: Object | None = None) -> Object:
    return {
        **_named(schema, name),
        "source_range": source_range,
        "effects": [],
        "markers": [],
        "enabled": True,
        "color": None,
    }


def _media(schema: str, name: str, available: Object) -> Object:
    return {**_named(schema, name), "available_range": available, "available_image_bounds": None}
