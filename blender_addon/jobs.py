"""Live jobs: followed in the engine, and back as strips. Everything here runs in the main thread.

handed in by engine/submit.py ─► engine ─► fetch ─► put, as soon as Blender is idle
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import bpy

from restrip.client.ids import new_job_id
from restrip.client.job import Manifest
from restrip.client.key_files.news import KeyNews
from restrip.client.schema import Schema
from restrip.client.status import WAITING_FOR_CLICK, Event, JobStatus
from restrip.errors import RemoteError, RestripError

from . import prefs, previews, reports
from .engine.requests import StripRequest
from .engine.transport import Transport
from .live_job import LiveJob
from .timeline import notices, refresh, results, selection, vse, watched_results

TICK_S = 0.1
IDLE_TICK_S = 0.25
BUDGET_S = 0.003


class Board:
    """All live jobs by id, and the transport."""

    def __init__(self) -> None:
        self.jobs: dict[str, LiveJob] = {}
        name = f"blender {bpy.app.version_string}"
        self.transport = Transport(name, prefs.chosen_engine, on_status, on_preview, on_watched)

    def add(self, job: LiveJob) -> None:
        """Follow one more; what came of earlier ones for the same strip is off the list then."""
        over = ("placed", "failed", "stopped")
        for old in [old for old in self.jobs.values() if old.name == job.name and old.stage in over]:
            del self.jobs[old.job_id]
        self.jobs[job.job_id] = job

    def of_strip(self, strip: Any) -> LiveJob | None:
        """The newest job of a strip, or the one whose result it is."""
        return self.jobs.get(strip.restrip.result_of or strip.restrip.job) if strip is not None else None


_board: Board | None = None
_fresh = True
"""Whether the file that is open was not looked through yet, since the extension was enabled."""
on_tick: list[Callable[[], None]] = []
"""What else the timer does; each returns at once."""
on_keys: list[Callable[[str, KeyNews], None]] = []
"""Who wants to know of watched keys: the watch's name, and what is new."""
on_schema: list[Callable[[Schema], None]] = []
"""Who wants the engine's settings when they are new."""
on_picture: list[Callable[[LiveJob, bytes, int], None]] = []
"""Who wants the pictures of a sheet: job, JPEG, seed."""


def board() -> Board:
    """The one board; made when first needed."""
    global _board
    if _board is None:
        _board = Board()
    return _board


def fail(job: LiveJob, error: RestripError) -> None:
    """A job that ended with an error: panel, status bar, Info editor and the strip itself say so."""
    job.stage, job.error, job.message, job.ended = "failed", error, "", time.monotonic()
    notices.mark(strip_of(job))
    reports.say(f"{job.name}: {error}", "WARNING")


def strip_of(job: LiveJob) -> Any:
    """The strip that a job is for, as it is now; None when it is gone, or for a job on no strip."""
    if job.came is not None:
        return None
    return results.find_source(job.job_id, job.request.origin if job.request is not None else None)[1]


def dismiss(job_id: str) -> None:
    """Take a job off the list, and its notice off the strip; its files stay."""
    job = board().jobs.pop(job_id, None)
    strip = strip_of(job) if job is not None else None
    if job is None or strip is None:
        return
    notices.clear(strip)
    if job.stage == "failed" and strip.restrip.job == job_id:
        strip.restrip.job = ""  # Or it would be told again as soon as the file is opened.


def stopped(job: LiveJob, message: str) -> None:
    """A job that ended without a result and without an error."""
    job.stage, job.message, job.ended = "stopped", message, time.monotonic()
    reports.say(f"{job.name}: {message}")


def cancel(job: LiveJob) -> None:
    """Stop a job, whatever it is at."""
    if job.stop is not None:
        job.stop()
    if job.stage in ("rendering", "sending"):
        stopped(job, "Cancelled.")
    board().transport.ask("cancel", {"job_id": job.job_id}, _ignore, _ignore)


def running(strip: Any) -> LiveJob | None:
    """The job that runs for a strip; None when there is none."""
    job = board().jobs.get(strip.restrip.job)
    return job if job is not None and (job.active or (job.stage == "waiting" and job.mine)) else None


def give_up(job: LiveJob) -> None:
    """Stop a job because the same strip is begun again, and take it off the list."""
    cancel(job)
    board().jobs.pop(job.job_id, None)


def on_status(status: JobStatus) -> None:
    """What the engine says of a job that is followed."""
    job = board().jobs.get(status.job_id)
    if job is None or job.stage == "stopped":
        return
    job.status = status
    if status.state == "running" and not job.began:
        job.began = time.monotonic()
    if status.state == "done" and job.came is not None:
        job.came(job)
    elif status.state == "done":
        fetch(job)
    elif status.state == "failed":
        fail(job, RemoteError(status.error or {}))
    elif status.state in WAITING_FOR_CLICK:
        stopped(job, "The engine stopped in the middle; what is finished is kept.")
    elif status.state == "cancelled":
        stopped(job, "Cancelled. What is finished is kept.")
    elif status.ended:
        stopped(job, "The engine doesn't know this job any more. Stylize the strip again.")


def on_preview(event: Event) -> None:
    """A picture: the newest key of a job, or one more of a sheet of seeds."""
    job = board().jobs.get(event.job_id)
    if job is None or event.blob is None:
        return
    previews.newest(job.job_id, event.blob)
    seed = event.body.get("seed")
    if job.came is not None and isinstance(seed, int):
        for take in on_picture:
            take(job, event.blob, seed)


def on_watched(name: str, news: KeyNews) -> None:
    """What is new of the keys of a strip that is watched."""
    for take in on_keys:
        take(name, news)


def follow_interactive(
    call: str,
    given: Mapping[str, Any],
    name: str,
    came: Callable[[LiveJob], None],
    request: StripRequest | None = None,
    again: Callable[[], None] | None = None,
) -> None:
    """Follow a small job (seeds, suggestions) that `call` hands in; `came` gets it when it is done, `again` asks anew.

    `request` is for those whose outcome is for a strip.
    """

    def taken(job_id: str) -> None:
        board().add(LiveJob(job_id, name, "engine", mine=False, request=request, came=came, again=again))
        board().transport.follow(job_id)

    board().transport.ask(call, given, taken, lambda error: fail_unstarted(name, error))


def fail_unstarted(name: str, error: RestripError) -> None:
    """Show that something failed which never became a job."""
    job = LiveJob(new_job_id(), name, "sending", mine=False)
    board().add(job)
    fail(job, error)


def fetch(job: LiveJob) -> None:
    """Get the result of a finished job; it is placed when Blender is idle, or on a click."""

    def came(told: Mapping[str, Any]) -> None:
        job.manifest, job.stage, job.ended = Manifest.from_json(told), "waiting", time.monotonic()
        if not (job.mine and prefs.place_unasked()):
            reports.say(f"{job.name} is restyled: Place Result puts it on the timeline.")

    board().transport.ask("manifest", {"job_id": job.job_id}, came, lambda error: fail(job, error))


def put(job: LiveJob) -> None:
    """Place the result of a job. Raises NoRoom, MediaUnreadable; the result is kept then, and offered in the panel."""
    assert job.manifest is not None
    origin = job.request.origin if job.request is not None else None
    try:
        with selection.kept():
            placed = refresh.in_place(job.job_id, job.manifest, origin) if job.by_watch else None
            placed = placed or results.place_result(job.job_id, job.manifest, origin)
    except RestripError as error:
        job.mine, job.error = False, error
        raise
    notes = [placed.note, *(job.request.notes if job.request is not None else ()), *job.manifest.notes]
    job.stage, job.error, job.message = "placed", None, " ".join(filter(None, notes))
    job.ended = time.monotonic()
    notices.clear(strip_of(job))
    by, name = f"blender {bpy.app.version_string}: {placed.scene.name}", placed.meta.name
    board().transport.ask("placed", {"job_id": job.job_id, "by": by, "strips": [name]}, _ignore, _ignore)
    if job.by_watch:
        watched_results.remember(job.manifest)
        watched_results.tidy(_discard)


def _discard(job_id: str) -> None:
    board().transport.ask("discard", {"job_id": job_id}, _ignore, _ignore)


def put_unasked(job: LiveJob) -> None:
    """Place a result from the timer, as one undo step of its own."""
    try:
        put(job)
    except RestripError as error:
        reports.say(f"{job.name} is restyled, but could not be placed: {error}", "WARNING")
        return
    push_undo(f"Restrip: {job.name}")
    reports.say(f"{job.name} is restyled. {job.message}".strip())


def push_undo(message: str) -> None:
    """Make what a timer changed an undo step of its own; without, Ctrl+Z would take the user's last action with it."""
    if bpy.ops.ed.undo_push.poll():  # type: ignore[call-arg] # the stubs take it for a method
        bpy.ops.ed.undo_push(message=message)


def tick() -> float:
    """The timer: what came in, then at most one result placed. Never waits."""
    interval = None
    try:
        interval = _tick()
        return interval
    finally:
        if interval is None:  # Blender prints what went wrong, and drops the timer that it happened in.
            bpy.app.timers.register(tick, first_interval=IDLE_TICK_S, persistent=True)


def _tick() -> float:
    global _fresh
    live = board()
    if _fresh:
        _fresh = False
        look_through()
        watched_results.saved()
    called = live.transport.pump(BUDGET_S)
    waiting = [job for job in live.jobs.values() if job.stage == "waiting" and job.mine and job.manifest]
    if waiting and prefs.place_unasked() and not vse.busy(bpy.context):
        put_unasked(waiting[0])
        called = True
    for other in on_tick:
        other()
    if called:
        vse.redraw(bpy.context)
    return TICK_S if waiting or any(job.active for job in live.jobs.values()) else IDLE_TICK_S


def file_opened() -> None:
    """Results of jobs begun before are no longer placed unasked; the jobs of this file are looked up."""
    for job in board().jobs.values():
        job.mine = False
    look_through()


def look_through() -> None:
    """Follow the jobs whose results strips of this file wait for."""
    live = board()
    for job_id, name in results.unplaced(bpy.data.scenes).items():
        if job_id not in live.jobs:
            live.jobs[job_id] = LiveJob(job_id, name, "engine", mine=False)
            live.transport.follow(job_id)


def close() -> None:
    """Let the messenger go and forget all; the engine goes on."""
    global _board
    if _board is not None:
        _board.transport.stop()
        _board = None


def _ignore(_: Any) -> None:
    """The answer doesn't matter."""
