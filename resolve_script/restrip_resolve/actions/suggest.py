"""Suggest keyframes: timeline markers where motion and appearance change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from restrip.timeline.marker_text import OWN
from restrip_resolve.actions.context import Context
from restrip_resolve.api import ResolveRefused, done, need
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.clips.source import source_of
from restrip_resolve.jobs.submit import results_folder
from restrip_resolve.jobs.waiting import teller
from restrip_resolve.journal import Journal
from restrip_resolve.session import Session


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    with context.engine(session) as engine:
        for clip in clips:
            source = source_of(session, engine, clip, choices.with_grade, results_folder(choices))
            keys = engine.suggest(source.clip, count=choices.keyframes, on_status=teller(clip.name, context.console))
            set_, there = mark(session, clip, keys, choices.key_colour)
            context.console.say(f"{clip.name}: {set_} {choices.key_colour} markers set, {there} were there already.")


def mark(session: Session, clip: SourceClip, keys: Sequence[Mapping[str, Any]], colour: str) -> tuple[int, int]:
    """Set a marker for each suggested key; all of them or none. Returns how many were set and how many were there.

    Raises ResolveRefused.
    """
    timeline = session.timeline
    there = {round(frame) for frame in need(timeline.GetMarkers(), "list the timeline's markers")}
    wanted = {clip.first_used - session.first + int(key["frame"]): str(key.get("reason", "")) for key in keys}
    new = {frame: reason for frame, reason in wanted.items() if frame not in there}
    with Journal(session.console) as journal:
        for frame, reason in new.items():
            journal.undo(f"The marker at {frame}", lambda frame=frame: _remove(session, frame))  # type: ignore[misc]
            done(
                timeline.AddMarker(frame, colour, f"{OWN} key", f"{OWN}: {reason}", 1, "restrip"),
                f"set a marker at {frame}",
            )
        now = {round(frame) for frame in need(timeline.GetMarkers(), "list the timeline's markers")}
        if not set(new) <= now:
            raise ResolveRefused("set the markers", sorted(set(new) - now))
    return len(new), len(wanted) - len(new)


def _remove(session: Session, frame: int) -> None:
    """Delete our marker, if it is there."""
    for position in need(session.timeline.GetMarkers(), "list the timeline's markers"):
        if round(position) == frame:
            done(session.timeline.DeleteMarkerAtFrame(frame), f"delete the marker at {frame}")
    if any(round(position) == frame for position in session.timeline.GetMarkers() or ()):
        raise ResolveRefused(f"delete the marker at {frame}")
