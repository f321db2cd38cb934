"""A slot for one worker process: started when there is a task, watched while it works, ended when idle.

empty ── start ──► idle ── give ──► working ── result, error ──► idle ── idle too long ──► empty
                                      │ silent too long, or cancelled without effect
                                      └──► terminate ── kill ──► gone ──► empty
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from restrip.service.limits import Limits
from restrip.service.log import say
from restrip.service.scheduler import WorkerTask
from restrip.service.workers.process import Worker
from restrip.service.workers.spec import WorkerSpec

Spawn = Callable[[WorkerSpec, str], Worker]
KILL_AFTER_S = 2.0
GIVE_UP_S = 10.0
"""How long after that a killed worker may take to go: one that waits for an unplugged drive may stay for ever."""
LOST = "lost"
"""Why a worker ended, when neither it nor its task is to blame: its cause has been removed."""
HUNG, CANCELLED = "hung", "cancelled"
"""Why a worker was ended: it showed no sign of life, or didn't stop when it was asked to."""


@dataclass
class Slot:
    """One worker at most, at its `place`; `loaded` is the model it has in memory.

    `why` says why the worker ends: "hung", "cancelled", what it said when it crashed, or ""; `cause` of what kind that
    is, as the worker said; `machine` where it is, if not here.
    """

    place: WorkerSpec
    spawn: Spawn
    limits: Limits
    worker: Worker | None = None
    task: WorkerTask | None = None
    loaded: str = ""
    phase: str = ""
    ready: bool = False
    why: str = ""
    cause: str = ""
    machine: str = ""
    leaving: bool = False
    given: float = 0.0
    last_life: float = 0.0
    idle_since: float = 0.0
    cancel_since: float = 0.0
    terminated_at: float = 0.0

    @property
    def free(self) -> bool:
        """Whether a task can be given."""
        return self.task is None and not self.leaving and not self.terminated_at

    @property
    def patience_s(self) -> float:
        """How long its worker may show no sign of life."""
        if not self.ready:
            return self.limits.start_s
        return self.limits.load_s if self.phase == "loading" else self.limits.step_s

    def give(
        self, task: WorkerTask, job_folder: str, state_dir: str, following: Mapping[str, Any] | None = None
    ) -> None:
        """Give the worker a task; it is started first if need be. `following` is what it will be asked for next."""
        now = time.monotonic()
        if self.worker is None:
            self.worker = self.spawn(self.place, f"{self.place.name}-{uuid.uuid4().hex[:8]}")
            self.ready = False
            say("worker started", worker=self.worker.worker_id)
        self.task, self.given, self.last_life, self.cancel_since, self.phase = task, now, now, 0.0, ""
        self.machine = ""
        self.worker.send(
            {
                "t": "task",
                "id": task.task_id,
                "kind": task.kind,
                "job": job_folder,
                "state_dir": state_dir,
                "body": task.body,
                "attempt": task.attempt,
                "model": task.model,
                "needs": task.needs,
                "avoid": [machine for machine, _ in task.failed if machine],
                **({"following": dict(following)} if following else {}),
            }
        )

    def cancel(self) -> None:
        """Ask the worker to stop its task at the next step; `watch` enforces it."""
        if self.worker is not None and self.task is not None and not self.cancel_since:
            self.cancel_since = time.monotonic()
            self.worker.send({"t": "cancel", "id": self.task.task_id})

    def finished(self) -> WorkerTask | None:
        """The worker is done with its task; returns it."""
        task, self.task = self.task, None
        self.idle_since = time.monotonic()
        return task

    def gone(self) -> WorkerTask | None:
        """The worker ended; returns the task that it had."""
        task, self.task = self.task, None
        self.worker, self.loaded, self.ready = None, "", False
        self.leaving, self.terminated_at, self.why, self.cause, self.machine = False, 0.0, "", "", ""
        return task

    def dismiss(self) -> WorkerTask | None:
        """Give up this worker: it is killed and gets no more tasks; returns the task it had."""
        if self.worker is not None:
            self.terminated_at = time.monotonic()
            self.worker.kill()
        return self.finished()

    def alive(self, phase: str = "") -> None:
        """A sign of life came: it has started, whatever else it says."""
        self.ready = True
        self.last_life = time.monotonic()
        if phase:
            self.phase = phase

    def watch(self) -> None:
        """Look at the clock: end a worker that hangs, and let one go that has been idle for long."""
        if self.worker is None:
            return
        now = time.monotonic()
        if self.terminated_at:
            if now - self.terminated_at > KILL_AFTER_S:
                self.worker.kill()
        elif self.task is not None:
            if self.cancel_since and now - self.cancel_since > self.limits.cancel_s:
                self._end(CANCELLED)
            elif now - self.last_life > self.patience_s:
                self._end(HUNG)
        elif not self.leaving and now - self.idle_since > self.limits.worker_idle_s:
            self.send_home()

    @property
    def stuck(self) -> bool:
        """Whether its worker was killed long ago and still exists. It is useless but harmless."""
        return bool(self.terminated_at) and time.monotonic() - self.terminated_at > KILL_AFTER_S + GIVE_UP_S

    def send_home(self) -> None:
        """Let an idle worker end by itself."""
        if self.worker is not None and self.task is None and not self.leaving:
            self.leaving = True
            self.worker.leave()
            say("worker sent home", worker=self.worker.worker_id)

    def _end(self, why: str) -> None:
        assert self.worker is not None and self.task is not None
        say("worker ended", worker=self.worker.worker_id, why=why, kind=self.task.kind, phase=self.phase)
        self.why, self.terminated_at = why, time.monotonic()
        self.worker.terminate()
