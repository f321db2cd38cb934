"""What the engine's page shows: the newest jobs and their pictures, kept up to date by a thread of its own.

engine ── jobs, events, manifests ──► Board's thread ──► jobs(), picture()      any thread
engine ◄────────── cancel ────────── Board's thread ◄── cancel()
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.cli.terminal import duration, phase_words
from restrip.client.client import Client, connect
from restrip.client.job import Manifest
from restrip.client.status import JobStatus
from restrip.errors import RestripError

CLIENT = "status page"
LOOK_S = 0.5
AGAIN_S = 3.0
CANCEL_S = 20.0
MOST_JOBS = 30
STOPPABLE = ("queued", "running", "paused", "interrupted")
SHOWN = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".mp4": "video/mp4"}


@dataclass(frozen=True)
class Picture:
    """A picture or movie to show: a file, or the bytes themselves; `label` is what stands under it."""

    label: str
    kind: str
    file: Path | None = None
    content: bytes = b""
    version: int = 0


class Board:
    """Everything that the page shows, read from the engine until `close`. All but the thread's own is thread-safe.

    `job_id` limits it to one job; "" shows the newest `MOST_JOBS`.
    """

    def __init__(self, job_id: str = "") -> None:
        self.job_id = job_id
        self._lock = threading.Lock()
        self._jobs: list[JobStatus] = []
        self._pictures: dict[str, dict[str, Picture]] = {}
        self._trouble = ""
        self._cancels: queue.Queue[tuple[str, Future[None]]] = queue.Queue()
        self._ends = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="status page", daemon=True)

    def start(self) -> None:
        """Begin to read, and wait for a first answer."""
        self._thread.start()
        self._looked.wait(CANCEL_S)

    def close(self) -> None:
        """Stop reading."""
        self._ends.set()
        self._thread.join(CANCEL_S)

    def to_json(self) -> dict[str, Any]:
        """{"jobs": [...], "trouble": why the engine doesn't answer or ""}."""
        with self._lock:
            return {
                "jobs": [_shown(job, self._pictures.get(job.job_id, {})) for job in self._jobs],
                "trouble": self._trouble,
            }

    def picture(self, job_id: str, name: str) -> Picture | None:
        """A picture of a job; None for all that the engine didn't name."""
        with self._lock:
            return self._pictures.get(job_id, {}).get(name)

    def cancel(self, job_id: str) -> None:
        """Ask the engine to stop a job that is shown. Raises RestripError, TimeoutError; KeyError for other jobs."""
        with self._lock:
            if job_id not in {job.job_id for job in self._jobs}:
                raise KeyError(job_id)
        answer: Future[None] = Future()
        self._cancels.put((job_id, answer))
        answer.result(CANCEL_S)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                # It only looks: an engine that has ended is not started again by a page that was left open.
                with connect(CLIENT, start=False) as client:
                    self._follow(client)
            except (RestripError, OSError, TimeoutError) as error:
                with self._lock:
                    self._trouble = str(error)
                self._looked.set()
                self._refuse(error)
                self._ends.wait(AGAIN_S)

    def _follow(self, client: Client) -> None:
        heard: set[str] = set()
        while not self._ends.is_set():
            self._take_cancels(client)
            jobs = self._read(client)
            for job in jobs:
                if not job.ended and job.job_id not in heard:
                    heard.add(job.job_id)
                    client.subscribe(job.job_id)
                elif job.ended and job.job_id in heard:
                    heard.discard(job.job_id)
                    client.unsubscribe(job.job_id)
                self._take_files(client, job)
            with self._lock:
                self._jobs, self._trouble = jobs, ""
                for gone in set(self._pictures) - {job.job_id for job in jobs}:
                    del self._pictures[gone]
            self._looked.set()
            for event in client.events(LOOK_S):
                if event.blob and event.job_id:
                    label = f"key at frame {event.body['frame']}" if "frame" in event.body else "newest key"
                    newest = Picture(label, "image/jpeg", content=event.blob, version=event.seq)
                    with self._lock:
                        self._pictures.setdefault(event.job_id, {})["newest"] = newest
            self._ends.wait(0.2)

    def _read(self, client: Client) -> list[JobStatus]:
        if self.job_id:
            return [client.status(self.job_id)]
        return client.jobs("*", limit=MOST_JOBS)

    def _take_files(self, client: Client, job: JobStatus) -> None:
        """Learn what a job that is done names as its pictures, once."""
        with self._lock:
            known = self._pictures.setdefault(job.job_id, {})
            if job.state != "done" or "files" in known:
                return
        try:
            found = pictures_of(client.manifest(job.job_id)) if job.kind == "render" else found_by(job.result or {})
        except RestripError:
            # A result that was deleted or changed since: the job is listed, without pictures.
            found = {}
        with self._lock:
            self._pictures[job.job_id] = {**found, "files": Picture("", "")}

    def _take_cancels(self, client: Client) -> None:
        while not self._cancels.empty():
            job_id, answer = self._cancels.get_nowait()
            try:
                client.cancel(job_id)
                answer.set_result(None)
            except RestripError as error:
                answer.set_exception(error)

    def _refuse(self, error: Exception) -> None:
        """Nobody is there to cancel anything."""
        while not self._cancels.empty():
            self._cancels.get_nowait()[1].set_exception(error)


def pictures_of(manifest: Manifest) -> dict[str, Picture]:
    """The pictures and movies that a manifest names, by the name that they have in the page's addresses."""
    found = {"preview": ("the result", manifest.preview), "sheet": ("source, keys, result", manifest.sheet)}
    found |= {f"key-{n}": (f"key at frame {k.key.frame}", k.picture) for n, k in enumerate(manifest.keys)}
    return _of_files(found)


def found_by(result: Mapping[str, Any]) -> dict[str, Picture]:
    """The pictures that an interactive job's result names: the sheet of the seeds."""
    sheet = result.get("sheet", "")
    return _of_files({"sheet": ("seeds", sheet if isinstance(sheet, str) else "")})


def _of_files(named: Mapping[str, tuple[str, str]]) -> dict[str, Picture]:
    return {
        name: Picture(label, SHOWN[Path(file).suffix.lower()], file=Path(file))
        for name, (label, file) in named.items()
        if file and Path(file).suffix.lower() in SHOWN
    }


def _shown(job: JobStatus, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    error = job.error or {}
    return {
        "id": job.job_id,
        "name": job.name or job.kind,
        "state": job.state,
        "words": phase_words(job),
        "done": job.done,
        "total": job.total,
        "unit": job.unit,
        "left": "" if job.eta_s is None or job.state != "running" else f"about {duration(job.eta_s)} left",
        "note": job.note,
        "error": str(error.get("message", "")),
        "remedy": str(error.get("remedy", "")),
        "stoppable": job.state in STOPPABLE,
        "pictures": [
            {"name": name, "label": picture.label, "kind": picture.kind, "version": picture.version}
            for name, picture in pictures.items()
            if picture.kind
        ],
    }
