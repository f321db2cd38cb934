"""Fake workers that do what a test says, an engine over them without sockets, and the end of real ones."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from restrip.client import discovery
from restrip.jobs.model.store import Record
from restrip.service.engine import Engine
from restrip.service.executors import LocalExecutor
from restrip.service.limits import Limits
from restrip.storage import processes


@dataclass
class FakeWorker:
    """Keeps what it was sent."""

    worker_id: str
    sent: list[dict[str, Any]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    memory_ran_out: bool = False
    last_words: str = ""

    def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(dict(message))

    def leave(self) -> None:
        self.ends.append("leave")

    def terminate(self) -> None:
        self.ends.append("terminate")

    def kill(self) -> None:
        self.ends.append("kill")

    @property
    def task(self) -> dict[str, Any]:
        """The task that came last."""
        return [message for message in self.sent if message["t"] == "task"][-1]


class Bench:
    """An engine with fake workers; `events` are what it published."""

    def __init__(self, root: Path, **limits: float) -> None:
        self.events: list[tuple[str, str, dict[str, Any], bytes | None]] = []
        self.workers: list[FakeWorker] = []
        bounds = Limits(**{"workers": 1, **limits})  # type: ignore[arg-type]
        executor = LocalExecutor(self._start, int(bounds.workers))
        self.engine = Engine(root, bounds, self._publish, self._start, executor)

    def submit(self, job_id: str, session: str = "s", kind: str = "render", look: str = "neural:1") -> None:
        record = Record(job_id, kind=kind, session=session, created=float(len(self.engine.records)))
        self.engine.accept(record, {"job_id": job_id, "kind": kind, "look": {"name": look}})

    def tick(self) -> FakeWorker:
        """Let the engine give out work; returns the newest render worker."""
        self.engine.tick()
        return [worker for worker in self.workers if worker.worker_id.startswith("render")][-1]

    def say(self, worker: FakeWorker, kind: str, **more: Any) -> None:
        """The worker says something about its task."""
        self.engine.hearing.heard(worker.worker_id, {"t": kind, "id": worker.task["id"], **more})

    def done(self, worker: FakeWorker, **result: Any) -> None:
        self.say(worker, "result", result=result)

    def dies(self, worker: FakeWorker, code: int = -signal.SIGSEGV, *, started: bool = True) -> None:
        """The worker's process ends, by a signal unless said otherwise."""
        if started:
            self.engine.hearing.heard(worker.worker_id, {"t": "ready"})
        worker.exit_code = code
        self.engine.hearing.heard(worker.worker_id, None)

    def state(self, job_id: str) -> str:
        return self.engine.status(job_id).state

    def _publish(self, topic: str, kind: str, body: Mapping[str, Any], blob: bytes | None) -> None:
        self.events.append((topic, kind, dict(body), blob))

    def _start(self, worker_id: str, environment: Mapping[str, str] | None = None) -> FakeWorker:
        self.workers.append(FakeWorker(worker_id, environment=dict(environment or {})))
        return self.workers[-1]


def stopped_clock(monkeypatch: pytest.MonkeyPatch, *modules: ModuleType) -> list[float]:
    """The time of these modules, which stands still; a test moves it."""
    now = [1000.0]

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return now[0]

        @staticmethod
        def time() -> float:
            return now[0]

    for module in modules:
        monkeypatch.setattr(module, "time", Clock)
    return now


PLAN = {"missing_keys": [0, 1], "missing_parts": [0, 2], "part_frames": [10, 5, 20]}


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that comes soon; the limit is generous, for a machine with other work."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't come"
        time.sleep(0.01)


def end_engine() -> None:
    """End the engine of this test's state folder, whatever state it is in."""
    connection = discovery.read_connection()
    if connection is None or not processes.alive(connection.pid):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(connection.pid, signal.SIGTERM)
        with contextlib.suppress(AssertionError):
            until(lambda: not processes.alive(connection.pid), 30)
        if processes.alive(connection.pid):
            os.kill(connection.pid, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """The worker processes of an engine (Linux; elsewhere none are looked at)."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []
