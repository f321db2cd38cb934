"""Stylize again: hand in the clips whose markers, settings or trim changed; only what that touches is rendered."""

from __future__ import annotations

from restrip.errors import BadInput
from restrip_resolve import ledger
from restrip_resolve.actions.context import Context
from restrip_resolve.actions.finishing import finish
from restrip_resolve.clips.clip import SourceClip, read_clip
from restrip_resolve.clips.selection import marked_range
from restrip_resolve.clips.survey import spots_of
from restrip_resolve.jobs.submit import job_of, unchanged
from restrip_resolve.ledger import Record
from restrip_resolve.session import Session
from restrip_resolve.settings import Choices

WITHOUT_RESULT = ("failed", "cancelled", "interrupted", "unknown")
"""A job that ended so is handed in again even if nothing changed: what was finished of it is in the cache."""


class NothingStylized(BadInput):
    """No clip of the timeline was ever handed in."""

    code = "nothing-stylized"

    def __init__(self) -> None:
        super().__init__("No clip of this timeline has been stylized yet.", "Run Restrip - Stylize selection first.")


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    known = ledger.latest(session.key)
    clips = [(clip, known[clip.uid]) for clip in stylized(session, known, choices)]
    if not clips:
        raise NothingStylized
    with context.engine(session) as engine:
        jobs = []
        for clip, record in clips:
            job = job_of(session, engine, clip, choices, rendered=record.rendered)
            if record.rendered and job.record.rendered == record.rendered:
                context.console.say(
                    f"{clip.name} was rendered by Resolve before: that file is used again. Run Stylize selection"
                    " if its grade or effects changed."
                )
            ended_badly = engine.status(record.job_id).state in WITHOUT_RESULT
            if unchanged(job, record) and not ended_badly:
                context.console.say(f"{clip.name} is as it was: nothing to do.")
            else:
                jobs.append(job)
        if jobs:
            finish(context, session, engine, jobs, choices)


def stylized(session: Session, known: dict[str, Record], choices: Choices) -> list[SourceClip]:
    """The clips of the timeline that were handed in before, with the same part of them used as the marks say now."""
    marks = marked_range(session, out_inclusive=choices.mark_out_inclusive)
    found = []
    for item, spot in spots_of(session):
        record = known.get(str(item.GetUniqueId()))
        if record is None:
            continue
        clip = read_clip(session, item, spot.track)
        cut = clip.using(marks) if marks is not None else clip
        found.append(cut if len(cut.used) else clip)
    return found
