"""What is known of all jobs: their records on disk and in memory, how far they are, and what is published of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.client.status import JobStatus
from restrip.jobs.model import states
from restrip.jobs.model.store import Record, Store, UnknownJob
from restrip.service.job_progress import Progress
from restrip.service.log import say

Publish = Callable[[str, str, Mapping[str, Any], bytes | None], None]
SAVE_GAP_S = 1.0


class JobRegistry:
    """The records of all jobs; each change is on the disk before it is published."""

    def __init__(self, root: Path, publish: Publish) -> None:
        self.root = root
        self.store = Store(root)
        self.records: dict[str, Record] = {}
        self.progress: dict[str, Progress] = {}
        self._publish = publish
        self._unsaved: set[str] = set()
        self._counted = 0.0

    def record(self, job_id: str) -> Record:
        """What is known of a job. Raises UnknownJob."""
        found = self.records.get(job_id)
        if found is None:
            raise UnknownJob(job_id)
        return found

    def status(self, job_id: str) -> JobStatus:
        """A job as front-ends see it; "unknown" for one that isn't here."""
        record = self.records.get(job_id)
        if record is None:
            return JobStatus(job_id)
        known = {name: getattr(record, name) for name in _SHARED}
        if record.state in states.AT_WORK and job_id in self.progress:
            shown = self.progress[job_id].to_json()
            return JobStatus(**{**known, **shown, "note": shown["note"] or record.note})
        return JobStatus(**known)

    def change(self, job_id: str, event: str, **more: Any) -> Record:
        """Move a job to the state that `event` leads to, on disk and for all to see. Raises UnknownJob, WrongState."""
        record = self.record(job_id)
        return self._put(replace(record, state=states.after(job_id, record.state, event), **more))

    def amend(self, job_id: str, **more: Any) -> Record:
        """Change facts of a job, not its state."""
        return self._put(replace(self.record(job_id), **more))

    def count(self, job_id: str, made: str, more: int) -> Record:
        """Add to what a job has made. Saved within a second, or with its next change of state: a flush to the disk
        for each would be too much.
        """
        record = self.record(job_id)
        if more:
            record = self.records[job_id] = replace(record, **{made: getattr(record, made) + more})
            self._unsaved.add(job_id)
        return record

    def save_counts(self) -> None:
        """Save how much the jobs at work have made, now and then. Called often."""
        now = time.monotonic()
        if not self._unsaved or now - self._counted < SAVE_GAP_S:
            return
        self._counted = now
        for job_id in self._unsaved & set(self.records):
            self._save(self.records[job_id])
        self._unsaved.clear()

    def progressed(self, job_id: str, more: Mapping[str, Any], blob: bytes | None) -> None:
        """Publish how far a job is, with `more` and a picture if there is one."""
        record = self.records[job_id]
        self.records[job_id] = record = replace(record, seq=record.seq + 1)
        body = {**self.progress[job_id].to_json(), "state": record.state, "seq": record.seq, **more}
        self._publish(f"job.{job_id}", "progress", body, blob)

    def unplaced(self) -> list[str]:
        """Jobs whose cached files are still wanted: all but those that were placed or written to the user's folder."""
        return [r.job_id for r in self.records.values() if not (r.state == "done" and (r.placed_by or r.delivered))]

    def _put(self, record: Record) -> Record:
        """Save a record, then say so: what is published is on the disk."""
        record = replace(record, seq=record.seq + 1)
        self._save(record)
        self.records[record.job_id] = record
        self._publish(f"job.{record.job_id}", "state", self.status(record.job_id).to_json(), None)
        return record

    def _save(self, record: Record) -> None:
        """A full disk must not end the engine: memory stays right, and a restart finds the job interrupted."""
        try:
            self.store.save(record)
        except OSError as error:
            say("state not saved", level=logging.ERROR, job=record.job_id, why=str(error))


_SHARED = ("job_id", "project", "state", "seq", "note", "error", "created", "name", "placed_by", "kind", "result")
