"""A job that another computer's engine does: what it names goes there, what it makes comes back.

turn   send ──► submit ──► status, status, ... ──► bring ──► strips, preview, timeline, manifest
       a turn ends after a few seconds, so that other jobs get theirs; the next goes on where it stopped
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from restrip.client.client import EngineUnreachable
from restrip.client.job import JobSpec
from restrip.client.travel import in_words
from restrip.errors import Cancelled, RestripError
from restrip.jobs.tasks.registry import Assignment
from restrip.remote.job_turn import JobTurn
from restrip.remote.path_mapping import job_there, travelling
from restrip.remote.peer import Remote, RemoteClient, RemoteUnreachable, linked
from restrip.remote.transfer import LaterError, NotThereError, Transfer, TransferJournal

TURN_S = 4.0


class NotLinked(RestripError):
    """A job for an engine elsewhere, and no such engine is known any more."""

    code = "not-linked"

    def __init__(self) -> None:
        super().__init__(
            "This job was for an engine on another computer, and the link is off.",
            "Link again (restrip link HOST --key KEY), or hand the job in again to render it here.",
        )


def go_elsewhere(task: Assignment) -> dict[str, Any]:
    """One turn of a job: {"again": True}, or its result when it is done there and everything is here.

    Raises what it failed with there (RemoteError), RemoteUnreachable, NotLinked, Cancelled, MediaMissing, DiskFull,
    OutputExists, OutputUnwritable.
    """
    remote = linked(task.state_dir)
    if remote is None:
        raise NotLinked
    journal = TransferJournal.load(task.folder / "journey.json")
    try:
        with RemoteClient(remote) as client:
            transfer = Transfer(client, journal, remote.shared_folders, task.report, time.monotonic() + TURN_S)
            turn = JobTurn(task, transfer, remote.host)
            try:
                return turn.go()
            except Cancelled:
                turn.call_back()
                raise
    except LaterError:
        return {"again": True}
    except EngineUnreachable as error:
        raise RemoteUnreachable(remote.host) from error


def call_back(task: Assignment) -> dict[str, Any]:
    """Cancel a job there that was cancelled here between two turns."""
    remote = linked(task.state_dir)
    journal = TransferJournal.load(task.state_dir / "jobs" / task.body["job_id"] / "journey.json")
    if remote is not None and journal.job:
        with suppress(RestripError), RemoteClient(remote) as client:
            client.cancel(journal.job)
    return {}


def ask_elsewhere(task: Assignment) -> dict[str, Any]:
    """A question that the engine elsewhere answers: {"type", "body"} of the request."""
    remote = linked(task.state_dir)
    if remote is None:
        raise NotLinked
    try:
        with RemoteClient(remote) as client:
            if task.body["type"] == "check":
                return _check(task, client, remote)
            reply = client.request(task.body["type"], task.body["body"], timeout_s=600)
    except EngineUnreachable as error:
        raise RemoteUnreachable(remote.host) from error
    return {name: value for name, value in reply.items() if name != "ok"}


def _check(task: Assignment, client: RemoteClient, remote: Remote) -> dict[str, Any]:
    """What the job would take there, and what of its files would be sent. Before these are there the rest can't be
    said, and nothing is sent for it.
    """
    spec = JobSpec.from_json(task.body["body"]["job"])
    nowhere = TransferJournal(task.state_dir / "journey.json")
    look = Transfer(client, nowhere, remote.shared_folders, task.report, time.monotonic() + TURN_S, look_only=True)
    travels = travelling(spec, look)
    try:
        answer = client.check(job_there(spec, look))
    except (NotThereError, LaterError):
        count = max(1, len(spec.keys))
        known = {"keys": count, "segments": count + 1, "frames": spec.clip.length, "format": spec.output.format}
        unknown: dict[str, Any] = dict.fromkeys(("needs_mib", "disk_mib", "free_mib", "estimate_s"))
        warning = f"What the job takes is known when its files are on {remote.host}: they are sent first."
        cached = {"keys_cached": 0, "segments_cached": 0, "size": [0, 0]}
        warnings = [text for text in (warning, in_words(travels, remote.host)) if text]
        return {**known, **cached, **unknown, "fits": True, "warnings": warnings, "fixes": [], "travels": travels}
    return {**{name: value for name, value in answer.items() if name != "ok"}, "travels": travels}
