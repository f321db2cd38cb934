"""Place finished results: put what is done and not yet placed onto its timeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from restrip.client.job import Manifest
from restrip.client.status import JobStatus
from restrip.errors import RemoteError, RestripError
from restrip_resolve import ledger
from restrip_resolve.actions.context import Context
from restrip_resolve.api import uid, whole
from restrip_resolve.clips.own import own_items
from restrip_resolve.clips.survey import spots_of
from restrip_resolve.engine import Engine
from restrip_resolve.ledger import Record
from restrip_resolve.placing.place import Placed, Target, free_name, place
from restrip_resolve.session import Session
from restrip_resolve.settings import Choices

BY = "resolve"


def run(context: Context) -> None:
    """The menu entry."""
    choices = context.choices()
    session = context.session()
    with context.engine(session) as engine:
        place_finished(context, session, engine, choices)


def place_finished(
    context: Context, session: Session, engine: Engine, choices: Choices, *, only: set[str] | None = None
) -> None:
    """Place the newest unplaced result of each clip; `only` these jobs when given.

    Each result is placed by itself: one that fails is named and the others go on. Raises the last failure.
    """
    waiting = [
        status
        for status in engine.jobs(session.key, states=["done"])
        if status.kind == "render" and not status.placed_by and (only is None or status.job_id in only)
    ]
    if not waiting:
        context.console.say("There is no finished result to place.")
        return
    taken: set[str] = set()
    failed: RestripError | None = None
    for status in waiting:  # Newest first.
        record = ledger.recall(status.job_id)
        clip = record.item if record else status.job_id
        if clip in taken:
            context.console.say(f"{status.name} (job {status.job_id}) is older than what was placed: left out.")
            continue
        taken.add(clip)
        if record is not None and _newer_lies_there(session, record):
            context.console.say(f"{status.name} (job {status.job_id}) is older than what lies there: left out.")
            continue
        try:
            place_job(context, session, engine, (status, record), choices)
        except RestripError as error:
            if failed is not None:
                context.console.say(str(failed))
            failed = error
            _say_by_hand(context, engine, status)
    if failed is not None:
        raise failed


def _say_by_hand(context: Context, engine: Engine, status: JobStatus) -> None:
    """The way that needs no script, where its file is there."""
    try:
        path = engine.manifest(status.job_id).otio
    except RestripError:
        return
    if path and Path(path).is_file():
        context.console.say(f"By hand: File > Import > Timeline, and choose {path}.")


def _newer_lies_there(session: Session, record: Record) -> bool:
    """Whether a later job's strips of the same clip are on the timeline."""
    records = [other for other in ledger.all_of(session.key) if other.item == record.item]
    later = {other.job_id for other in records if other.order > record.order}
    return bool(later) and any(own.job_id in later for own in own_items(session))


def place_job(
    context: Context,
    session: Session,
    engine: Engine,
    job: tuple[JobStatus, Record | None],
    choices: Choices,
) -> None:
    """Place one finished job in place of what its clip was given before. Raises what placing raises."""
    status, record = job
    manifest = engine.manifest(status.job_id)
    target = replace(_target(context, session, manifest, record), keep_earlier=choices.again == "above")
    placed = place(session, manifest, target, choices.seams)
    if record is not None:
        files = [strip.file for strip in manifest.strips] + [manifest.baked]
        ledger.remember(replace(record, files=tuple(file for file in files if file)))
    _report(context, manifest, placed)
    try:
        engine.placed(status.job_id, BY, list(placed.ids))
    except RemoteError as error:
        context.console.say(f"The strips are placed, but the engine says: {error}")


def _target(context: Context, session: Session, manifest: Manifest, record: Record | None) -> Target:
    """Where the clip is now; where it was when it can't be found."""
    name = manifest.clip.name or "clip"
    bin_name = free_name(name, manifest.job_id)
    if record is not None:
        for item, spot in spots_of(session):
            if uid(item) == record.item:
                anchor = spot.start - whole(item.GetLeftOffset(), "tell where the clip starts in its media")
                return Target(anchor + record.offset, spot.track, bin_name, record.item)
        context.console.say(f"{name} is no longer on the timeline: its result goes where it was.")
        lowest = min(record.track, session.video_tracks())
        return Target(record.anchor + record.offset, lowest, bin_name, record.item)
    return Target(manifest.clip.timeline_start, 1, bin_name)


def _report(context: Context, manifest: Manifest, placed: Placed) -> None:
    tracks = " and ".join(map(str, placed.tracks))
    context.console.say(
        f"{manifest.clip.name}: {len(placed.ids)} strips on video track {tracks}, seams as {placed.method}."
    )
    for note in (*manifest.notes, *placed.notes):
        context.console.note(note)
