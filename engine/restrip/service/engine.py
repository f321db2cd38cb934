"""The engine without its sockets: jobs, their turns, the workers, and what is published of them."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.client.preferences import Preferences
from restrip.jobs.cache import Cache
from restrip.jobs.model import states
from restrip.jobs.model.store import JobLost, Record, after_restart
from restrip.jobs.resources.throughput import Throughput
from restrip.remote.peer import linked
from restrip.remote.upload_store import store_name
from restrip.service import stages
from restrip.service.eta import Eta
from restrip.service.executors import Executor
from restrip.service.executors.executor import Start
from restrip.service.guest_quota import GuestQuota
from restrip.service.installed import Installed
from restrip.service.job_progress import Progress
from restrip.service.job_registry import JobRegistry, Publish
from restrip.service.limits import Limits
from restrip.service.log import say
from restrip.service.query_queue import QueryQueue
from restrip.service.scheduler import Run, Scheduler, WorkerTask
from restrip.service.task_lifecycle import TaskLifecycle
from restrip.service.workers.errors import CannotStart
from restrip.service.workers.events import WorkerEvents
from restrip.service.workers.messages import FAULTS
from restrip.service.workers.pool import WorkerPool
from restrip.service.workers.slot import Slot

PRUNE_GAP_S = 600.0
BEFORE_RENDERS = 1_000_000
"""More than the priority of any render."""
HANDED_OVER = "Restrip was upgraded or removed while this job ran: the next engine goes on with it."


class Engine(JobRegistry):
    """Everything that the supervisor knows. Called from one thread; nothing in here waits or computes."""

    def __init__(self, root: Path, limits: Limits, publish: Publish, start: Start, executor: Executor) -> None:
        super().__init__(root, publish)
        self.limits = limits
        self.scheduler = Scheduler()
        self.pool = WorkerPool(limits, start, executor)
        self.questions = QueryQueue()
        self.eta = Eta(Throughput.load(root))
        self.lifecycle = TaskLifecycle(
            self,
            self.scheduler,
            self.pool,
            questions=self.questions,
            eta=self.eta,
            job_done=self._prune_now_and_then,
            left=self._left,
        )
        self.hearing = WorkerEvents(self.pool, self.lifecycle)
        self.draining = False
        self.handing_over = False
        self.preferences = Preferences.load(root, Preferences(limits.cache_mib))
        self.installed = Installed()
        self.open_results: dict[str, set[str]] = {}
        self.quota = GuestQuota(lambda: self.preferences)
        self._pruned = 0.0

    # ------------------------------------------------------------------ jobs

    def load(self, clean: bool) -> None:
        """Load the jobs that the last engine left; `clean` says whether it shut down properly."""
        Cache(self.root).clear_incoming()
        for found in self.store.load():
            record = after_restart(found, clean)
            self.records[record.job_id] = record
            if record != found:
                self._save(record)
            if record.state == "queued":
                try:
                    self._enqueue(record)
                except JobLost as error:
                    self._put(replace(record, state="failed", error=error.to_wire()))

    def accept(self, record: Record, job: Mapping[str, Any]) -> int:
        """Accept a new job, on disk when this returns; returns its place in the queue. Raises JobConflict."""
        self.store.create(record, job)
        self.records[record.job_id] = record
        position = sum(r.state in states.ACTIVE for r in self.records.values()) - 1
        self._enqueue(record)
        say("job accepted", job=record.job_id, kind=record.kind)
        return position

    def cancel(self, job_id: str) -> Record:
        """Ask for a job to stop. Raises UnknownJob, WrongState."""
        record = self.change(job_id, "cancel")
        run = self.scheduler.runs.get(job_id)
        if run is not None:
            run.waiting.clear()
        if run is None or not run.working:
            self.scheduler.drop(job_id)
            if run is not None and run.stage == "elsewhere":
                self.questions.ask("call_back", {"job_id": job_id}, lambda reply: None)
            return self.change(job_id, "cancelled") if record.state == "cancel_requested" else record
        self.pool.cancel(job_id)
        return record

    def resume(self, job_id: str, event: str) -> Record:
        """Send a job on its way again: `event` is "resume" or "retry". Raises UnknownJob, WrongState, JobLost."""
        states.after(job_id, self.record(job_id).state, event)
        self._enqueue(self.record(job_id))
        return self.change(job_id, event, error=None, note="")

    def forget(self, job_id: str) -> None:
        """Remove a job from all lists, and its folder if it still exists."""
        self.scheduler.drop(job_id)
        self.pool.cancel(job_id)
        self.records.pop(job_id, None)
        self.progress.pop(job_id, None)
        if self.store.folder(job_id).exists():
            self.store.remove(job_id)

    def revoke(self, grant: str, *, keep: bool) -> list[str]:
        """Revoke a guest: its requests are dropped, its files and unfinished jobs too unless `keep`.

        Jobs that are kept are the owner's alone. Returns the ids of those that were at work or waited for their turn.
        """
        self.questions.forget(grant)
        active = [record.job_id for record in self.jobs_of(grant)]
        if not keep:
            for job_id in active:
                self.cancel(job_id)
            self.questions.ask("drop_shelves", {"shelves": [store_name(grant)]}, lambda _: self.quota.forget(grant))
        return active

    def jobs_of(self, grant: str) -> list[Record]:
        """A guest's jobs that are at work or wait for their turn."""
        return [r for r in self.records.values() if r.guest == grant and r.state in (*states.ACTIVE, "paused")]

    @property
    def busy(self) -> bool:
        """Whether a job is at work."""
        return any(self.records[job_id].state in states.AT_WORK for job_id in self.scheduler.runs)

    @property
    def idle(self) -> bool:
        """Whether nothing is at work or waits for its turn."""
        return not self.scheduler.runs and not self.questions and not self.pool.at_work

    def drain(self) -> None:
        """Finish what runs, begin nothing: what waits stays on disk for the next engine."""
        self.draining = True
        for job_id in list(self.scheduler.runs):
            if self.records[job_id].state == "queued":
                self.scheduler.drop(job_id)

    def hand_over(self) -> None:
        """Finish the tasks that are at work, begin none: the jobs are the next engine's, which goes on with them."""
        self.drain()
        self.handing_over = True

    def _let_go(self) -> None:
        """Put jobs with nothing at work back into the queue on the disk, for the engine that follows."""
        for job_id, run in list(self.scheduler.runs.items()):
            if not run.working:
                self.scheduler.drop(job_id)
                if self.records[job_id].state in states.AT_WORK:
                    self.change(job_id, "hand_over", note=HANDED_OVER)

    def stop(self) -> None:
        """The end: what runs is left interrupted; workers are ended."""
        for job_id in list(self.scheduler.runs):
            self.scheduler.drop(job_id)
            if self.records[job_id].state in states.AT_WORK:
                self.change(job_id, "stop", note="The engine was stopped while this job ran.")
        self.pool.end()

    # ------------------------------------------------------------------ work

    def tick(self) -> None:
        """Check the workers and assign tasks. Called often."""
        self.pool.watch()
        for slot in self.pool.stuck():
            say("worker given up", level=logging.ERROR, worker=slot.worker and slot.worker.worker_id)
            self.lifecycle.died(slot)
        self.save_counts()
        for slot, guests in ((self.pool.light, False), (self.pool.guests, True)):
            if slot.free and self.questions.wait(guests):
                self._give(slot, self.questions.next(guests))
        if self.handing_over:
            self._let_go()
            return
        if not self.scheduler.waiting:
            return
        trouble = self.pool.executor.trouble()
        if trouble is not None:
            self.lifecycle.cannot_work(trouble)
            return
        idle: set[frozenset[str]] = set()
        for slot in self.pool.free():
            if slot.place.kinds in idle:
                continue  # A cluster has thousands of places of three kinds.
            beside = self.pool.loaded_beside(slot) if slot.loaded else ()
            task = self.scheduler.next(slot.loaded, slot.place, beside)
            if task is None:
                idle.add(slot.place.kinds)
            else:
                self._begin(task)
                self._give(slot, task)

    def free_gpu(self) -> None:
        """End each worker as soon as it is idle."""
        if not self.busy:
            self.pool.send_home()

    # ------------------------------------------------------------------ inside

    def _enqueue(self, record: Record) -> None:
        job = self.store.job(record.job_id)
        look = job.get("look")
        run = Run(
            record.job_id,
            record.session,
            record.created,
            # A guest's seeds go before its own renders, but not before those of others.
            record.priority + (BEFORE_RENDERS if record.guest and record.kind != "render" else 0),
            interactive=record.kind != "render" and not record.guest,
            look=str(look.get("name", "")) if isinstance(look, dict) else "",
        )
        stages.first_stage(run, record.kind, elsewhere=not record.guest and linked(self.root) is not None)
        self.progress[record.job_id] = Progress()
        if not self.draining:
            self.scheduler.add(run)

    def _left(self) -> bool:
        """Whether the engine's own files are other than at its start: then nothing is a job's fault."""
        if not self.handing_over and self.installed.differs:
            say("engine's files changed", build=self.installed.build)
            self.hand_over()
        return self.handing_over

    def _following(self, task: WorkerTask) -> Mapping[str, Any] | None:
        """What the job asks for after this segment, where one worker does all of it and nobody else's turn comes."""
        run = self.scheduler.runs.get(task.job_id)
        executor = self.pool.executor
        if task.kind != "part" or run is None or executor.name != "local" or len(executor.places()) > 1:
            return None
        others = (other for other in self.scheduler.runs.values() if other is not run and other.waiting)
        if any(other.interactive or other.session != run.session or other.priority > run.priority for other in others):
            return None
        return next((waiting.body for waiting in run.waiting if waiting.kind == "part"), None)

    def _give(self, slot: Slot, task: WorkerTask) -> None:
        folder = str(self.store.folder(task.job_id)) if task.job_id else ""
        try:
            slot.give(task, folder, str(self.root), self._following(task))
        except OSError as error:
            say("worker not started", level=logging.ERROR, place=slot.place.name, why=error.strerror)
            slot.gone()
            self.lifecycle.failed(task, CannotStart(error).to_wire())
        except FAULTS as error:
            trace = "".join(traceback.format_tb(error.__traceback__))
            say("task not given", level=logging.ERROR, error=type(error).__name__, trace=trace)
            self.lifecycle.at_fault(slot, task, type(error).__name__)

    def _begin(self, task: WorkerTask) -> None:
        run = self.scheduler.runs[task.job_id]
        if self.records[task.job_id].state == "queued":
            self.change(task.job_id, "start", note="")
        progress = self.progress[task.job_id]
        if progress.stage != run.stage:
            workers = len(self.pool.executor.places())
            eta = self.eta
            expected, later = eta.expected_s(run, run.stage, workers), eta.later_s(run, workers)
            progress.enter(run.stage, run.total_units, expected, later)

    def _prune_now_and_then(self) -> None:
        now = time.monotonic()
        if self._pruned and now - self._pruned < PRUNE_GAP_S:
            return
        self._pruned = now
        body = {"prune_mib": self.preferences.cache_mib, "protected_jobs": self.unplaced()}
        self.questions.ask("cache", body, lambda reply: None)

    def prefer(self, preferences: Preferences) -> None:
        """Take what the user set, now and for engines to come. Raises OSError."""
        preferences.save(self.root)
        self.preferences = preferences
