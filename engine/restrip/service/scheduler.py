"""Which task is next: interactive ones first, sessions in turn, and a loaded model kept for a while.

session A   [p1][p2][p3]...        next: A p1, B q1, A p2, B q2, ...
session B   [q1][q2]
session C   {seeds}                before all of them
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from restrip.service.workers.spec import RENDER, WorkerSpec

STAY_WITH_MODEL = 4


@dataclass(frozen=True)
class WorkerTask:
    """Something for a worker. `units` is its share of the job's stage (keys or frames); `model` the look it needs
    loaded, "" for none. `attempt` counts from 0; the second runs with the next lower memory plan. `needs` is what
    `check` knows of its memory; `failed` says where it failed before, by machine, and why.
    """

    task_id: str
    kind: str
    job_id: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    units: int = 1
    attempt: int = 0
    needs: dict[str, Any] = field(default_factory=dict)
    failed: tuple[tuple[str, str], ...] = ()


@dataclass
class Run:
    """A job at work: the tasks of its present stage. The next stage comes when the last of them is done.

    `facts` are what `prepare` found, `retries` what had to be tried again, `made` how many keys and
    segments the job rendered itself. `memory` counts the workers that ended while they made keys: the next lower
    memory plans are used.
    """

    job_id: str
    session: str
    created: float
    priority: int = 0
    interactive: bool = False
    stage: str = ""
    waiting: list[WorkerTask] = field(default_factory=list)
    working: dict[str, WorkerTask] = field(default_factory=dict)
    done_units: int = 0
    total_units: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    retries: list[dict[str, Any]] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)
    look: str = ""
    memory: int = 0

    def begin(self, stage: str, tasks: Iterable[WorkerTask]) -> None:
        """Enter a stage with these tasks."""
        self.stage = stage
        self.waiting = list(tasks)
        self.done_units = 0
        self.total_units = sum(task.units for task in self.waiting)

    def take(self) -> WorkerTask:
        """The first waiting task, now at work."""
        task = self.waiting.pop(0)
        self.working[task.task_id] = task
        return task

    def finish(self, task: WorkerTask) -> bool:
        """A task is done; True when it was the stage's last."""
        self.working.pop(task.task_id, None)
        self.done_units += task.units
        return not self.waiting and not self.working

    def put_back(self, failed: WorkerTask, again: WorkerTask) -> None:
        """A task is to be tried again, as the next."""
        self.working.pop(failed.task_id, None)
        self.waiting.insert(0, again)


class Scheduler:
    """The runs of all sessions."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self._turns: dict[str, int] = {}
        self._turn = 0
        self._stayed: dict[str, int] = {}

    def add(self, run: Run) -> None:
        """Let a job take part."""
        self.runs[run.job_id] = run
        # A session that comes new is not owed the turns of the past.
        self._turns.setdefault(run.session, self._turn)

    def drop(self, job_id: str) -> Run | None:
        """Let it take part no longer."""
        run = self.runs.pop(job_id, None)
        if run is not None and not any(other.session == run.session for other in self.runs.values()):
            self._turns.pop(run.session, None)
        return run

    @property
    def waiting(self) -> bool:
        """Whether any task waits for its turn."""
        return any(run.waiting for run in self.runs.values())

    def next(self, loaded: str = "", place: WorkerSpec = RENDER, elsewhere: Collection[str] = ()) -> WorkerTask | None:
        """The next task for a place whose worker has the model `loaded` in memory; None when nothing waits for it.

        Tasks that need a model which is loaded `elsewhere` are left to that place while there are others.
        """
        order = self._order(place)
        if not order:
            return None
        chosen = order[0]
        if not chosen.interactive and _switches(chosen, loaded) and self._may_stay(chosen, place, elsewhere):
            stay = next((run for run in order if run.waiting[0].model == loaded), None)
            if stay is not None:
                self._stayed[place.name] = self._stayed.get(place.name, 0) + 1
                return self._take(stay)
        self._stayed[place.name] = 0
        return self._take(chosen)

    def _may_stay(self, chosen: Run, place: WorkerSpec, elsewhere: Collection[str]) -> bool:
        return self._stayed.get(place.name, 0) < STAY_WITH_MODEL or chosen.waiting[0].model in elsewhere

    def _take(self, run: Run) -> WorkerTask:
        self._turn += 1
        self._turns[run.session] = self._turn
        return run.take()

    def _order(self, place: WorkerSpec) -> list[Run]:
        """For each session its first run with a waiting task, interactive ones first, then by whose turn it is."""
        firsts: dict[tuple[bool, str], Run] = {}
        for run in self.runs.values():
            whose = (not run.interactive, run.session)
            if not run.waiting or not place.takes(run.waiting[0].kind):
                continue
            if whose not in firsts or _before(run, firsts[whose]):
                firsts[whose] = run
        return [firsts[whose] for whose in sorted(firsts, key=lambda whose: (whose[0], self._turns[whose[1]]))]


def _before(a: Run, b: Run) -> bool:
    """Within a session jobs go one after the other: by priority, then by age."""
    return (-a.priority, a.created, a.job_id) < (-b.priority, b.created, b.job_id)


def _switches(run: Run, loaded: str) -> bool:
    model = run.waiting[0].model
    return bool(loaded) and bool(model) and model != loaded
