"""One turn of a job that another computer's engine does.

submit ──► status, status, ... ──► bring ──► arrive        LaterError wherever the turn's time is over
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.client.status import JobStatus
from restrip.client.travel import in_words
from restrip.errors import RemoteError, RestripError
from restrip.jobs.tasks.registry import Assignment
from restrip.remote.path_mapping import travelling
from restrip.remote.remote_jobs import remote_job_of
from restrip.remote.transfer import LaterError, Transfer
from restrip.remote.upload_store import UploadStore

LOOK_S = 0.3


class JobTurn:
    """One turn of a remote job; it continues where the journal says the last one ended. Raises JobDamaged, BadJob."""

    def __init__(self, task: Assignment, transfer: Transfer, host: str) -> None:
        self.task, self.transfer, self.host = task, transfer, host
        self.client, self.journal = transfer.client, transfer.journal
        self.remote_job = remote_job_of(task)

    def go(self) -> dict[str, Any]:
        """Work until the turn's time is over; returns the result once it is here. Raises LaterError, RemoteError."""
        if not self.journal.job:
            self._say_what_travels()
            self.journal.job = self.remote_job.submit(self.transfer)
            self.journal.save()
        elif self.journal.again:
            self.client.retry(self.journal.job)
            self.journal.again = False
            self.journal.save()
        self._wait()
        return self.remote_job.arrive(self.transfer, self._bring())

    def call_back(self) -> None:
        """Cancel the job on the other engine, if that engine still runs."""
        if self.journal.job:
            with suppress(RestripError):
                self.client.cancel(self.journal.job)

    def _say_what_travels(self) -> None:
        """Report, before the first byte is sent, which files of the job go to the other computer."""
        if self.journal.there:
            return
        look = replace(self.transfer, look_only=True)
        said = in_words(travelling(self.remote_job.spec, look), self.host)
        if said:
            self.task.report("sending", 0, 1, note=said)

    def _wait(self) -> None:
        """Wait until the remote job is done. Raises LaterError, RemoteError."""
        while True:
            status = self.client.status(self.journal.job)
            if status.state == "done":
                return
            self._answer(status)
            self.task.report(
                status.phase or "waiting", status.done, status.total, note=status.note, segment=status.segment
            )
            if time.monotonic() > self.transfer.until:
                raise LaterError
            time.sleep(LOOK_S)

    def _answer(self, status: JobStatus) -> None:
        """What a state there that needs something asks for."""
        if status.state in ("interrupted", "paused", "cancelled"):
            self.client.resume(self.journal.job)
        elif status.state == "unknown":
            # It was discarded there, or its disk is another: from the beginning.
            self.journal.job, self.journal.there = "", {}
            self.journal.save()
            raise LaterError
        elif status.state == "failed":
            self.journal.again = True
            self.journal.save()
            raise RemoteError(status.error or {"code": "not-done", "message": "The job failed on the other computer."})

    def _bring(self) -> dict[str, Path]:
        """Fetch all files of the result into the upload store: local files by their remote paths."""
        store = UploadStore(self.task.state_dir)
        brought: dict[str, Path] = {}
        while True:
            asked = {"job_id": self.journal.job, "skip": len(brought)}
            reply = self.client.request("results", asked, timeout_s=600)
            for file in reply["files"]:
                brought[file["path"]] = self.transfer.bring(self.journal.job, file, store)
            if not reply["more"]:
                return brought
