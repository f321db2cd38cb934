"""Jobs on disk: what was asked, and how far it is.

<state>/jobs/<id>/
    job.json        what was asked; never changed
    state.json      where it stands; replaced as a whole
    plan.json       keys, segments and their cache hashes
    manifest.json   the result; written last
    result/         files, when no folder of the user's was named
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.client.ids import BadJobId, check_job_id
from restrip.errors import BadInput, RestripError
from restrip.jobs.model import states
from restrip.storage import json_files
from restrip.storage.atomic import aside_of, sync_folder


class JobConflict(BadInput):
    """A job id that is already used for another job."""

    code = "conflict"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"Job {job_id} exists already and asks for something else.", "Hand it in under a new id.")


class UnknownJob(BadInput):
    """No job has this id."""

    code = "unknown-job"

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id}.", "'restrip jobs' lists them.", job_id=job_id)


class JobLost(RestripError):
    """A job's own files are missing or damaged."""

    code = "job-lost"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is missing or damaged.", "Hand the job in again: what it rendered is in the cache.")


@dataclass(frozen=True)
class Record:
    """The content of state.json, with what a list of jobs shows.

    `rendered` counts the keys and segments that this job made itself, over all its attempts. `crashes` counts how
    often the engine died while the job ran; `delivered` says that the results go to a folder of the user's. `guest`
    names the linked computer that handed it in, if any.
    """

    job_id: str
    kind: str = "render"
    state: str = "queued"
    seq: int = 1
    project: str = ""
    session: str = ""
    name: str = ""
    created: float = 0.0
    priority: int = 0
    note: str = ""
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    placed_by: str = ""
    placed: tuple[str, ...] = ()
    keys_rendered: int = 0
    segments_rendered: int = 0
    crashes: int = 0
    delivered: bool = False
    guest: str = ""

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Record:
        """Read state.json; unknown fields are ignored. Raises Misfit."""
        return codec.read(cls, body)


class Store:
    """The folder of all jobs; used by the supervisor, which alone writes state.json."""

    def __init__(self, root: Path) -> None:
        self.root = root / "jobs"
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def folder(self, job_id: str) -> Path:
        """The folder of a job. Raises BadJobId."""
        return self.root / check_job_id(job_id)

    def create(self, record: Record, job: Mapping[str, Any]) -> None:
        """Put a new job on disk, whole and durable when this returns. Raises JobConflict."""
        folder = self.folder(record.job_id)
        if folder.exists():
            raise JobConflict(record.job_id)
        aside = aside_of(folder)
        aside.mkdir(mode=0o700)
        json_files.write_json(aside / "job.json", job)
        json_files.write_json(aside / "state.json", codec.write(record))
        aside.rename(folder)
        sync_folder(self.root)

    def job(self, job_id: str) -> dict[str, Any]:
        """What was asked. Raises JobLost."""
        path = self.folder(job_id) / "job.json"
        body = json_files.read_json(path)
        if body is None:
            raise JobLost(path)
        return body

    def save(self, record: Record) -> None:
        """Replace a job's state, durable when this returns."""
        json_files.write_json(self.folder(record.job_id) / "state.json", codec.write(record))

    def remove(self, job_id: str) -> None:
        """Delete a job's folder: first out of sight, then away, so that a crash leaves no half of it."""
        folder = self.folder(job_id)
        aside = aside_of(folder)
        folder.rename(aside)
        sync_folder(self.root)
        json_files.remove(aside)

    def load(self) -> Iterator[Record]:
        """All jobs; files that a crash left half written are removed. A damaged job is listed as failed, not lost."""
        json_files.remove_asides(self.root)
        for folder in sorted(self.root.iterdir()):
            try:
                check_job_id(folder.name)
            except BadJobId:
                continue
            if folder.is_dir():
                record = read_record(folder)
                yield record or Record(folder.name, state="failed", error=JobLost(folder / "state.json").to_wire())


def read_record(folder: Path) -> Record | None:
    """A job's state as its folder has it; None when that is no state of this job."""
    body = json_files.read_json(folder / "state.json")
    try:
        record = Record.from_json(body or {})
    except codec.Misfit:
        return None
    return record if record.job_id == folder.name and record.state in states.STATES else None


def after_restart(record: Record, clean: bool) -> Record:
    """A job as the next engine takes it over: what ran was interrupted; after a crash the queue waits for a click."""
    if record.state in states.AT_WORK:
        state = states.after(record.job_id, record.state, "stop")
        note = "The engine was stopped while this job ran." if clean else "The engine crashed while this job ran."
        crashes = record.crashes + (not clean)
        return replace(record, state=state, note=note, seq=record.seq + 1, crashes=crashes)
    if record.state == "queued" and not clean:
        note = "The engine crashed; this job waits until it is resumed."
        return replace(record, state="paused", note=note, seq=record.seq + 1)
    return record
