"""An engine without sockets over real workers, so that any executor can be held to the same job."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import zmq
from job_bench import Little

from restrip.client.job import JobSpec, Manifest, Output
from restrip.jobs.model.store import Record
from restrip.service.engine import Engine
from restrip.service.executors import Executor
from restrip.service.executors.executor import Start
from restrip.service.limits import Limits
from restrip.service.workers.messages import read_line
from restrip.service.workers.process import INBOX, WORKER, WorkerProcess

WAIT_S = 400.0
KEYS = (1, 6, 11, 16, 21)


def job(little: Little, out: Path) -> JobSpec:
    """The same id and folder everywhere, so that everything in the manifests can be compared."""
    return little.job("job-1", *KEYS, output=Output(folder=str(out), format="ffv1", preview=True), cuts=None)


class Floor:
    """One engine in this process; its workers are children. `make` builds the executor."""

    def __init__(self, root: Path, make: Callable[[Start, Path, Limits], Executor], **limits: float) -> None:
        root.mkdir(mode=0o700, exist_ok=True)
        self.context: zmq.Context[Any] = zmq.Context()
        self.inbox = self.context.socket(zmq.PULL)
        self.inbox.bind(INBOX)
        self.children: list[WorkerProcess] = []
        self.given: list[tuple[str, str, str]] = []
        bounds = Limits(**limits)  # type: ignore[arg-type]
        self.executor = make(self._start, root, bounds)
        self.engine = Engine(root, bounds, lambda topic, kind, body, blob: None, self._start, self.executor)
        self.engine.load(clean=True)

    def submit(self, spec: JobSpec) -> None:
        record = Record(spec.job_id, session="s", created=time.time(), delivered=bool(spec.output.folder))
        self.engine.accept(record, {"kind": "render", **spec.to_json()})

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end, f"it didn't come: {self.engine.records}"
            self.turn()

    def turn(self) -> None:
        """Deal with what workers say, and give out work."""
        if self.inbox.poll(20):
            name, line = self.inbox.recv_multipart()
            self.engine.hearing.heard(name.decode(), read_line(line) if line else None)
        self.engine.tick()

    def over(self, job_id: str) -> str:
        """Wait until a job is over; its state."""
        self.until(lambda: self.engine.records[job_id].state in ("done", "failed", "cancelled"))
        return self.engine.records[job_id].state

    def manifest(self, job_id: str) -> Manifest:
        assert self.over(job_id) == "done", self.engine.records[job_id].error
        import json

        return Manifest.from_json(json.loads((self.engine.store.folder(job_id) / "manifest.json").read_text()))

    def at_work(self, kind: str) -> list[str]:
        """The ids of the workers that have a task of this kind."""
        slots = self.engine.pool.slots.values()
        return [s.worker.worker_id for s in slots if s.worker and s.task and s.task.kind == kind]

    def close(self) -> None:
        self.engine.stop()
        for child in self.children:
            child.kill()
        self.inbox.close(0)
        self.context.destroy(0)

    def _start(
        self, worker_id: str, environment: Mapping[str, str] | None = None, argv: Sequence[str] = ()
    ) -> WorkerProcess:
        child = WorkerProcess(worker_id, self.context, environment, argv or WORKER)
        self.children.append(child)
        return child


def same(one: Manifest, other: Manifest) -> None:
    """Two manifests of the same job, rendered in different folders, say the same and name the same files."""
    assert [s.sha256 for s in one.strips] == [s.sha256 for s in other.strips]
    assert [(s.key, s.frames, s.visible) for s in one.strips] == [(s.key, s.frames, s.visible) for s in other.strips]
    assert one.fades == other.fades
    assert one.counts == other.counts and one.notes == other.notes
    assert [k.key for k in one.keys] == [k.key for k in other.keys]
    assert [k.facts for k in one.keys] == [k.facts for k in other.keys]
    assert [_sha256(k.picture) for k in one.keys] == [_sha256(k.picture) for k in other.keys]
    assert (one.clip, one.look, one.settings, one.cuts) == (other.clip, other.look, other.settings, other.cuts)
    assert one.facts == other.facts


def _sha256(path: str) -> str:
    from restrip.storage.json_files import file_sha256

    return file_sha256(Path(path))


def entries(root: Path) -> dict[str, int]:
    """Every finished thing in a cache by its hash, with the inode of its facts."""
    cache = root / "cache"
    return {
        facts.parent.name: facts.stat().st_ino
        for kind in ("keys", "segments")
        for facts in (cache / kind).glob("??/*/facts.json")
    }
