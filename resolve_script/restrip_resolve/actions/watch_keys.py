"""Watch keys: painted keys that are saved again are carried along again and placed, until the watch is ended.

stylize what changed ─► look ─► saved ─► render what that touches, place it in place of the last ─► look ─► ...
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Collection
from pathlib import Path

from restrip.client.discovery import state_dir
from restrip.client.key_files.news import KeyNews
from restrip.client.key_files.places import KeyPlaces
from restrip.client.key_files.watch import POLL_S, KeyWatch
from restrip.client.status import JobStatus
from restrip.errors import BadInput, RestripError
from restrip_resolve import ledger
from restrip_resolve.actions.again import WITHOUT_RESULT, stylized
from restrip_resolve.actions.context import Context
from restrip_resolve.actions.finishing import finish
from restrip_resolve.clips.clip import SourceClip
from restrip_resolve.clips.selection import source_clips
from restrip_resolve.engine import Engine
from restrip_resolve.jobs.progress import Progress
from restrip_resolve.jobs.submit import Job, job_of, unchanged
from restrip_resolve.placing.watched_results import WatchedResults
from restrip_resolve.session import NoProject, NoTimeline, Session
from restrip_resolve.settings import Choices

UNPAINTED = "painted-keys-missing"
"""What a job fails with while a key has no picture yet: a watch waits for it."""

sleep = time.sleep


class NoPaintedClips(BadInput):
    """None of the clips has keys that are pictures of somebody's."""

    code = "no-painted-keys"

    def __init__(self, names: str) -> None:
        super().__init__(
            f"There is nothing to watch: no key of {names} is a picture that you paint.",
            "Run Restrip - Export keys to paint, set `look = keys:FOLDER` in the settings, or name a picture in a"
            " marker's note: image: FILE.",
        )


class Turn:
    """Whose turn it is to watch a timeline: that of the script that began last, until Restrip - Cancel ends it."""

    def __init__(self, key: str) -> None:
        self._file, self._token = _file(key), uuid.uuid4().hex
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(self._token, "ascii")

    def mine(self) -> bool:
        """Whether it still is this one's."""
        try:
            return self._file.read_text("ascii") == self._token
        except OSError:
            return False

    def over(self) -> None:
        """It is nobody's any more."""
        if self.mine():
            self._file.unlink(missing_ok=True)


def stop(key: str) -> bool:
    """End the watch of a timeline; whether there was one."""
    there = _file(key).exists()
    _file(key).unlink(missing_ok=True)
    return there


def run(context: Context) -> None:
    """The menu entry: the selected clips, or the one at the playhead."""
    choices = context.choices()
    session = context.session()
    clips = source_clips(session, out_inclusive=choices.mark_out_inclusive)
    with context.engine(session) as engine:
        known = ledger.latest(session.key)
        jobs = []
        for clip in clips:
            record = known.get(clip.uid)
            jobs.append(job_of(session, engine, clip, choices, rendered=record.rendered if record else ""))
        watches = watches_of(jobs)
        if not watches:
            raise NoPaintedClips(", ".join(clip.name for clip in clips))
        new = [job for job in jobs if job.record.item in watches and not _is_done(engine, job, known)]
        owed = begin(context, session, engine, new, watches, choices)
        for job in jobs:
            if job not in new:
                _follow_shots(engine, job, known[job.record.item].job_id, watches)
        follow_keys(context, session, engine, watches, choices, owed=owed)


def begin(
    context: Context,
    session: Session,
    engine: Engine,
    jobs: list[Job],
    watches: dict[str, KeyWatch],
    choices: Choices,
) -> set[str]:
    """Render and place what is to be watched. Returns the clips that wait for a key which isn't painted yet."""
    context.console.notes_once()
    try:
        if jobs:
            finish(context, session, engine, jobs, choices)
    except RestripError as error:
        if error.code != UNPAINTED or not watches:
            raise
        context.console.say(str(error))
        return {job.record.item for job in jobs}
    for job in jobs:
        _follow_shots(engine, job, job.spec.job_id, watches)
    return set()


def watches_of(jobs: list[Job]) -> dict[str, KeyWatch]:
    """A watch for each clip with painted keys, by the item's id. To be made before the jobs are handed in."""
    places = {job.record.item: KeyPlaces.of(job.spec) for job in jobs}
    return {item: KeyWatch(where) for item, where in places.items() if where}


def follow_keys(
    context: Context,
    session: Session,
    engine: Engine,
    watches: dict[str, KeyWatch],
    choices: Choices,
    *,
    owed: Collection[str] = (),
) -> None:
    """Watch until Restrip - Cancel, the window's button, or another watch of this timeline.

    `owed` are the clips whose keys aren't all painted yet.
    """
    turn, results = Turn(session.key), WatchedResults()
    context.console.notes_once()
    context.console.say("Watching the painted keys: save one and its strips follow. Restrip - Cancel ends it.")
    pending: set[str] = set()
    owed = set(owed)
    while (now := _wait(context, session, turn, watches, (pending, owed), choices)) is not None:
        went_well = _again(context, (now, engine), pending, watches, choices, results)
        owed = owed - pending if went_well else owed | pending
        pending.clear()
    turn.over()
    context.console.say("The painted keys are watched no longer.")


def _wait(
    context: Context,
    session: Session,
    turn: Turn,
    watches: dict[str, KeyWatch],
    items: tuple[set[str], set[str]],
    choices: Choices,
) -> Session | None:
    """Look until a key was saved and the timeline is open; None when the watch is to end.

    `items` are the clips whose keys were saved, which are added to, and those whose last job failed.
    """
    pending, owed = items
    how = "quiet" if choices.progress in ("auto", "window") else "silent"
    with Progress(how, context.console) as progress:
        progress.tell("Painted keys", JobStatus("", state="watching"))
        while turn.mine() and not progress.take_cancel():
            for item, watch in watches.items():
                news = watch.look()
                say_news(context, news, owed=item in owed)
                # What failed for want of something that is back is rendered without another save.
                if news.changed or ((news.well or news.unused) and item in owed):
                    pending.add(item)
            now = _open_again(context, session)
            if pending and now is not None:
                return now
            sleep(POLL_S)
    return None


def _open_again(context: Context, session: Session) -> Session | None:
    """The timeline as it is now; None while another one is open. Raises when Resolve is gone."""
    try:
        now = context.session()
    except (NoProject, NoTimeline):
        return None
    return now if now.key == session.key else None


def say_news(context: Context, news: KeyNews, *, owed: bool = False) -> None:
    """What is to be said of a look; `owed` when the last job failed, perhaps for want of a new picture."""
    for sentence in (*news.well, *([news.said()] if news.changed else ())):
        context.console.say(sentence)
    for path in news.unused:
        unused = "" if owed else ", but no key is on its frame: set a marker there"
        context.console.say(f"{path} is new{unused}.")
    for trouble in news.troubles:
        context.console.say(str(trouble))


def _again(
    context: Context,
    where: tuple[Session, Engine],
    items: set[str],
    watches: dict[str, KeyWatch],
    choices: Choices,
    results: WatchedResults,
) -> bool:
    """Render the clips whose keys were saved, and place them; what goes wrong is said, and the watch goes on."""
    session, engine = where
    known = ledger.latest(session.key)
    try:
        jobs = []
        for clip in _clips(session, items, choices):
            record = known.get(clip.uid)
            jobs.append(job_of(session, engine, clip, choices, rendered=record.rendered if record else ""))
            watches[clip.uid].follow(KeyPlaces.of(jobs[-1].spec))
        if jobs:
            for job in jobs:
                results.leave(session, job.record.item)
            finish(context, session, engine, jobs, choices)
            for job in jobs:
                _follow_shots(engine, job, job.spec.job_id, watches)
                if engine.status(job.spec.job_id).state == "done":
                    results.came(session, job.record.item, engine.manifest(job.spec.job_id))
            results.tidy(session, engine)
    except RestripError as error:
        context.console.say(str(error))
        return False
    return True


def _follow_shots(engine: Engine, job: Job, job_id: str, watches: dict[str, KeyWatch]) -> None:
    """Watch the pictures of shots without a marker, too, which a clip's result used."""
    watch = watches.get(job.record.item)
    if watch is not None and engine.status(job_id).state == "done":
        keys = engine.manifest(job_id).keys
        watch.follow(KeyPlaces.of(job.spec).with_frames(key.key.frame for key in keys))


def _clips(session: Session, items: set[str], choices: Choices) -> list[SourceClip]:
    known = {item: record for item, record in ledger.latest(session.key).items() if item in items}
    return [clip for clip in stylized(session, known, choices) if clip.uid in items]


def _is_done(engine: Engine, job: Job, known: dict[str, ledger.Record]) -> bool:
    """Whether a clip has the result already; a key that was painted since changes no job, so it counts as asked for."""
    record = known.get(job.record.item)
    done = record is not None and engine.status(record.job_id).state not in WITHOUT_RESULT
    return done and record is not None and unchanged(job, record) and not _painted_since(job, record)


def _painted_since(job: Job, record: ledger.Record) -> bool:
    """Whether a picture of a key is younger than the job that used it."""
    places = KeyPlaces.of(job.spec)
    for key in job.spec.keys:
        try:
            path = places.painted_as(key)
            if path and Path(path).stat().st_mtime_ns > record.order:
                return True
        except OSError:
            return True
    return False


def _file(key: str) -> Path:
    return state_dir() / "resolve" / "watching" / hashlib.sha256(key.encode()).hexdigest()[:20]
