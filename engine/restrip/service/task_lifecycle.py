"""What happens to running tasks: progress, success, failure, or the death of their worker.

done     ──► the job's next stage, or the job is done
failed   ──► once more on another machine, or the job fails
died     ──► once more with less memory; a second time, and the job is quarantined: others go on
no start ──► once more; when that goes on, nobody can work: the queue is held
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from restrip.jobs.tasks.errors import CodeMissing, OutOfMemory
from restrip.jobs.tasks.registry import PartMissing
from restrip.service import stages
from restrip.service.eta import Eta
from restrip.service.job_progress import preview_of
from restrip.service.job_registry import JobRegistry
from restrip.service.log import say
from restrip.service.query_queue import QueryQueue
from restrip.service.scheduler import Run, Scheduler, WorkerTask
from restrip.service.workers.crash_limiter import CrashHistory
from restrip.service.workers.errors import Quarantined, WorkerDied
from restrip.service.workers.exit_reasons import ExitReason, ending_of
from restrip.service.workers.messages import BadReport
from restrip.service.workers.pool import WorkerPool
from restrip.service.workers.slot import CANCELLED, LOST, Slot

NOT_THERE = (CodeMissing.code, PartMissing.code)
STARTS = 3
"""So many workers that end before they could begin, one after the other, say that none can."""


class TaskLifecycle:
    """Moves jobs on by what is heard of their tasks. `job_done` is called when one came to its good end; `left` tells
    whether the engine's own files are gone or changed.
    """

    def __init__(
        self,
        book: JobRegistry,
        scheduler: Scheduler,
        pool: WorkerPool,
        *,
        questions: QueryQueue,
        eta: Eta,
        job_done: Callable[[], None],
        left: Callable[[], bool],
    ) -> None:
        self.book, self.scheduler, self.pool = book, scheduler, pool
        self.questions, self.eta = questions, eta
        self._job_done, self._left = job_done, left
        self.deaths = CrashHistory(book.root)
        self._unstarted = 0

    def progressed(self, task: WorkerTask, message: Mapping[str, Any]) -> None:
        """A task is so far; that is published now and then."""
        if not task.job_id:
            self.questions.progressed(task, message)
            return
        run = self._run_of(task)
        if run is None:
            return
        progress = self.book.progress[task.job_id]
        before = progress.phase
        progress.take(message, run.done_units, task.units)
        blob = preview_of(message.get("preview"))
        now = time.monotonic()
        if progress.phase == before and blob is None and now - progress.sent < self.pool.limits.event_gap_s:
            return
        progress.sent = now
        shown = {name: message[name] for name in ("frame", "seed", "picture") if name in message}
        self.book.progressed(task.job_id, shown, blob)

    def done(self, task: WorkerTask, result: Mapping[str, Any], took_s: float) -> None:
        """A task has its result."""
        if not task.job_id:
            self.questions.answer(task, {"ok": True, **result})
            return
        run = self._run_of(task)
        if run is None:
            return
        record = self.book.records[task.job_id]
        if task.kind in ("keys", "part"):
            made = "keys_rendered" if task.kind == "keys" else "segments_rendered"
            record = self.book.count(task.job_id, made, int(result.get("rendered", 0)))
        run.made = {"keys": record.keys_rendered, "segments": record.segments_rendered}
        self.eta.measured(run, task, result, took_s)
        stage_over = self._finish(run, task)
        if stage_over:  # Whoever asks what a job would take reads it from the disk.
            self.eta.save()
        last = run.stage in ("finish", "seeds", "suggest")
        if record.state != "running" and not (last and record.state == "cancel_requested"):
            self._leave_when_over(run)
        elif stage_over and not stages.next_stage(run, result):
            self.scheduler.drop(task.job_id)
            self.book.change(task.job_id, "finish", result=dict(result))
            say("job done", job=task.job_id)
            self._job_done()

    def failed(self, task: WorkerTask, error: Mapping[str, Any], machine: str = "") -> None:
        """A task ended with an error, on `machine` if not here."""
        if not task.job_id:
            self.questions.answer(task, {"ok": False, **error})
            return
        run = self._run_of(task)
        if run is None:
            return
        if error.get("code") in NOT_THERE and self._is_running(task) and self._left():
            self._put_back(run, task, replace(task, task_id=uuid.uuid4().hex))
            return
        if error.get("code") == OutOfMemory.code and not task.attempt and self._is_running(task):
            self._spare(run, task, machine, str(error.get("message", "")))
            return
        if machine and self._may_do_better_elsewhere(task, error):
            again = stages.again(task, machine, str(error.get("message", "")), sparing=False)
            self._put_back(run, task, again)
            return
        error = stages.both(error, machine, task.failed)
        run.waiting.clear()
        self._finish(run, task)
        if self.book.records[task.job_id].state == "running":
            self.book.change(task.job_id, "fail", error=dict(error))
            say("job failed", job=task.job_id, code=error.get("code"))
            # What others make of this job now would be of use only if it were tried again.
            self.pool.cancel(task.job_id)
        self._leave_when_over(run)

    def at_fault(self, slot: Slot, task: WorkerTask | None, why: str) -> None:
        """A worker said what no worker says while it had `task`: that task fails, and the worker is ended."""
        say("worker at fault", level=logging.ERROR, worker=slot.worker and slot.worker.worker_id, why=why)
        slot.dismiss()
        if task is None:
            return
        error = BadReport(why, task.kind).to_wire()
        self.failed(task, error)
        run = self.scheduler.runs.get(task.job_id)
        if run is not None and not run.waiting and not run.working:  # The mistake came after the task was over.
            self.scheduler.drop(task.job_id)
            if self.book.records[task.job_id].state == "running":
                self.book.change(task.job_id, "fail", error=error)

    def started(self) -> None:
        """A worker has started, so workers can."""
        self._unstarted = 0

    def died(self, slot: Slot) -> None:
        """A worker ended: by itself, by us, or by a crash."""
        why, machine, ending = slot.why, slot.machine, ending_of(slot)
        local = slot is self.pool.light or self.pool.executor.name == "local"
        expected = slot.leaving or bool(slot.terminated_at and not why)
        task = slot.gone()
        if not expected and why not in (LOST, CANCELLED):
            self.deaths.note(ending, task, machine)
        if task is None:
            return
        say("worker died", cause=ending.cause, kind=task.kind, attempt=task.attempt, machine=machine)
        run = self._run_of(task)
        if run is not None and self.book.records[task.job_id].state != "running":
            self._finish(run, task)
            self._leave_when_over(run)
        elif why == LOST and run is not None:
            self._put_back(run, task, replace(task, task_id=uuid.uuid4().hex))
        elif local and not ending.ready and run is not None:
            self._did_not_start(run, task, ending)
        elif run is None:
            self._question_lost(task, ending)
        elif task.attempt or len(run.retries) >= self.pool.limits.restarts:
            self.failed(task, Quarantined(ending, task.kind, len(run.retries) + 1).to_wire(), machine)
        else:
            self._spare(run, task, machine, ending.what or ending.cause)

    def cannot_work(self, trouble: Mapping[str, Any]) -> None:
        """There is no place to work at, and the executor says why."""
        for job_id, run in list(self.scheduler.runs.items()):
            if run.working:
                continue
            self.scheduler.drop(job_id)
            if self.book.records[job_id].state == "queued":
                self.book.change(job_id, "start")
            if self.book.records[job_id].state == "running":
                self.book.change(job_id, "fail", error=dict(trouble))

    def _did_not_start(self, run: Run, task: WorkerTask, ending: ExitReason) -> None:
        """The task isn't to blame; but where workers can't start, all that wait would fail one after the other."""
        self._unstarted += 1
        if self._left() or self._unstarted < STARTS:
            self._put_back(run, task, replace(task, task_id=uuid.uuid4().hex))
            return
        self._unstarted = 0
        error = WorkerDied(ending, task.kind)
        self.failed(task, error.to_wire())
        self._hold_queue(f"No worker can be started ({error.detail['why']}): 'restrip doctor' says what is missing.")

    def _question_lost(self, task: WorkerTask, ending: ExitReason) -> None:
        """Answer a query that ended two workers with that error; or the task belongs to a deleted job."""
        if task.job_id:
            return
        if task.attempt:
            self.questions.answer(task, {"ok": False, **WorkerDied(ending, task.kind).to_wire()})
        else:
            self.questions.again(task)

    def _spare(self, run: Run, task: WorkerTask, machine: str, why: str) -> None:
        """Try a task again, and the others of its job, with less memory."""
        named: dict[str, Any] = {name: task.body[name] for name in ("keys", "part") if name in task.body}
        if task.model:
            run.memory += 1
            named["memory"] = run.memory
        run.retries.append({"task": task.kind, **named, "why": why})
        self._put_back(run, task, stages.again(task, machine, why))
        run.waiting = [stages.sparing(run, waiting) for waiting in run.waiting]

    def _may_do_better_elsewhere(self, task: WorkerTask, error: Mapping[str, Any]) -> bool:
        """Whether a task that failed on one machine is to be tried on another, once."""
        tried = bool(task.failed) or not self.pool.executor.machines
        hopeless = bool(error.get("bad_input")) or error.get("code") == "cancelled"
        return not tried and not hopeless and self._is_running(task)

    def _is_running(self, task: WorkerTask) -> bool:
        return self.book.records[task.job_id].state == "running"

    def _run_of(self, task: WorkerTask) -> Run | None:
        """The run that a task at work belongs to; None when the job was dropped, or restarted, in the meantime."""
        run = self.scheduler.runs.get(task.job_id)
        return run if run is not None and task.task_id in run.working else None

    def _put_back(self, run: Run, task: WorkerTask, again: WorkerTask) -> None:
        self.book.progress[run.job_id].over(task.task_id)
        run.put_back(task, again)

    def _finish(self, run: Run, task: WorkerTask) -> bool:
        self.book.progress[run.job_id].over(task.task_id)
        return run.finish(task)

    def _leave_when_over(self, run: Run) -> None:
        """A run that was cancelled or failed ends with the last of its tasks that are at work."""
        if run.working:
            return
        self.scheduler.drop(run.job_id)
        if self.book.records[run.job_id].state == "cancel_requested":
            self.book.change(run.job_id, "cancelled")

    def _hold_queue(self, note: str) -> None:
        """What has not begun waits for a click."""
        for job_id in list(self.scheduler.runs):
            if self.book.records[job_id].state == "queued":
                self.scheduler.drop(job_id)
                self.book.change(job_id, "hold", note=note)
