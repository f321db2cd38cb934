"""Stylize selection: hand the clips in, wait, and place what comes out."""

from __future__ import annotations

from restrip_resolve.actions import watch_keys
from restrip_resolve.actions.context import Context
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.jobs.submit import job_of


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    with context.engine(session) as engine:
        jobs = [job_of(session, engine, clip, choices) for clip in clips]
        # Also of what is saved while they are rendered.
        watches = watch_keys.watches_of(jobs) if choices.watch_keys else {}
        owed = watch_keys.begin(context, session, engine, jobs, watches, choices)
        if watches:
            watch_keys.follow_keys(context, session, engine, watches, choices, owed=owed)
