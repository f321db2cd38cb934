"""The engine without its sockets: jobs, their turns, the workers, and what is published of them."""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.jobs import states
from restrip.jobs.cache import Cache
from restrip.jobs.pace import Pace
from restrip.jobs.remote import linked
from restrip.jobs.store import JobLost, Record, after_restart
from restrip.link.preferences import Preferences
from restrip.service import stages
from restrip.service.book import Book, Publish
from restrip.service.crew import Crew
from restrip.service.executors import Executor
from restrip.service.executors.executor import Start
from restrip.service.forecast import Forecast
from restrip.service.limits import Limits
from restrip.service.log import say
from restrip.service.progress import Progress, preview_of
from restrip.service.reports import FAULTS, BadReport, check_report, check_result
from restrip.service.scheduler import Run, Scheduler, Task
from restrip.service.slot import LOST, Slot
from restrip.service.troubles import MOST_QUESTIONS, CannotStart, TooManyQuestions, WorkerDied

Reply = Callable[[Mapping[str, Any]], None]
PRUNE_GAP_S = 600.0
SAVE_GAP_S = 1.0


class Engine(Book):
    """Everything that the supervisor knows. Called from one thread; nothing in here waits or computes."""

    def __init__(self, root: Path, limits: Limits, publish: Publish, start: Start, executor: Executor) -> None:
        super().__init__(root, publish)
        self.limits = limits
        self.scheduler = Scheduler()
        self.crew = Crew(limits, start, executor)
        self.worker_facts: dict[str, Any] = {}
        self.forecast = Forecast(Pace.load(root))
        self.draining = False
        self.preferences = Preferences.load(root, Preferences(limits.cache_mib))
        self.open_results: dict[str, set[str]] = {}
        self._light: deque[Task] = deque()
        self._replies: dict[str, Reply] = {}
        self._deaths: deque[float] = deque()
        self._pruned = 0.0
        self._unsaved: set[str] = set()
        self._counted = 0.0

    # ------------------------------------------------------------------ jobs

    def load(self, clean: bool) -> None:
        """Take over what the last engine left; `clean` says whether it ended in good order."""
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
        """Take a new job in, on disk when this returns; its place in the queue. Raises JobConflict."""
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
                self.ask_worker("call_back", {"job_id": job_id}, lambda reply: None)
            return self.change(job_id, "cancelled") if record.state == "cancel_requested" else record
        self.crew.cancel(job_id)
        return record

    def resume(self, job_id: str, event: str) -> Record:
        """Send a job on its way again: `event` is "resume" or "retry". Raises UnknownJob, WrongState, JobLost."""
        states.after(job_id, self.record(job_id).state, event)
        self._enqueue(self.record(job_id))
        return self.change(job_id, event, error=None, note="")

    def forget(self, job_id: str) -> None:
        """Take a job out of all lists; its folder is gone already, or goes now."""
        self.scheduler.drop(job_id)
        self.crew.cancel(job_id)
        self.records.pop(job_id, None)
        self.progress.pop(job_id, None)
        if self.store.folder(job_id).exists():
            self.store.remove(job_id)

    @property
    def busy(self) -> bool:
        """Whether a job is at work."""
        return any(self.records[job_id].state in states.AT_WORK for job_id in self.scheduler.runs)

    @property
    def idle(self) -> bool:
        """Whether nothing is at work or waits for its turn."""
        return not self.scheduler.runs and not self._light and not self.crew.at_work

    def drain(self) -> None:
        """Finish what runs, begin nothing: what waits stays on disk for the next engine."""
        self.draining = True
        for job_id in list(self.scheduler.runs):
            if self.records[job_id].state == "queued":
                self.scheduler.drop(job_id)

    def stop(self) -> None:
        """The end: what runs is left interrupted; workers are ended."""
        for job_id in list(self.scheduler.runs):
            self.scheduler.drop(job_id)
            if self.records[job_id].state in states.AT_WORK:
                self.change(job_id, "stop", note="The engine was stopped while this job ran.")
        self.crew.end()

    # ------------------------------------------------------------------ work

    def ask_worker(self, kind: str, body: Mapping[str, Any], reply: Reply) -> None:
        """Have the light worker do something small; `reply` gets {"ok": ...} when it is done, or when too many wait."""
        if len(self._light) >= MOST_QUESTIONS:
            reply({"ok": False, **TooManyQuestions().to_wire()})
            return
        task = Task(uuid.uuid4().hex, kind, body=dict(body))
        self._replies[task.task_id] = reply
        self._light.append(task)

    def tick(self) -> None:
        """Watch the workers and give out work. Called often."""
        self.crew.watch()
        self._save_counts()
        if self._light and self.crew.light.free:
            self._give(self.crew.light, self._light.popleft())
        if not self.scheduler.waiting:
            return
        trouble = self.crew.executor.trouble()
        if trouble is not None:
            self._cannot_work(trouble)
            return
        idle: set[frozenset[str]] = set()
        for slot in self.crew.free():
            if slot.place.kinds in idle:
                continue  # A cluster has thousands of places of three kinds.
            beside = self.crew.loaded_beside(slot) if slot.loaded else ()
            task = self.scheduler.next(slot.loaded, slot.place, beside)
            if task is None:
                idle.add(slot.place.kinds)
            else:
                self._begin(task)
                self._give(slot, task)

    def heard(self, worker_id: str, message: Mapping[str, Any] | None) -> None:
        """A worker said something; None says that it is gone."""
        for whose, what in self.crew.executor.heard(worker_id, message):
            slot = self.crew.slot_of(whose)
            if slot is None:
                continue
            if what is None:
                self.crew.left(whose)
                self._gone(slot)
                continue
            task = slot.task
            try:
                check_report(what)
                self._heard(slot, what)
            except BadReport as error:
                self.at_fault(slot, task, error.detail["why"])
            except FAULTS as error:
                trace = "".join(traceback.format_tb(error.__traceback__))
                say("message not understood", level=logging.ERROR, error=type(error).__name__, trace=trace)
                self.at_fault(slot, task, type(error).__name__)

    def at_fault(self, slot: Slot, task: Task | None, why: str) -> None:
        """A worker said what no worker says while it had `task`: that task fails, and the worker is ended."""
        say("worker at fault", level=logging.ERROR, worker=slot.worker and slot.worker.worker_id, why=why)
        slot.dismiss()
        if task is None:
            return
        error = BadReport(why, task.kind).to_wire()
        self._failed(task, error)
        run = self.scheduler.runs.get(task.job_id)
        if run is not None and not run.waiting and not run.working:  # The mistake came after the task was over.
            self.scheduler.drop(task.job_id)
            if self.records[task.job_id].state == "running":
                self.change(task.job_id, "fail", error=error)

    def garbled(self, worker_id: str, error: BadReport) -> None:
        """A worker wrote something that is no message at all."""
        slot = self.crew.slot_of(worker_id)
        if slot is not None:
            self.at_fault(slot, slot.task, error.detail["why"])

    def _heard(self, slot: Slot, message: Mapping[str, Any]) -> None:
        slot.alive(str(message.get("phase", "")))
        slot.loaded = str(message.get("loaded", slot.loaded))
        slot.machine = str(message.get("machine", slot.machine))
        if message["t"] == "ready":
            slot.ready = True
        elif slot.task is not None and message.get("id") == slot.task.task_id:
            if message["t"] == "crash":
                slot.why = str(message.get("what", ""))[:300]
            elif message["t"] == "progress":
                self._progressed(slot.task, message)
            elif message["t"] == "result":
                check_result(slot.task.kind, message["result"])
                self.worker_facts.update(message.get("facts", {}))
                took_s = time.monotonic() - slot.given
                task = slot.finished()
                assert task is not None
                self._done(task, message["result"], took_s)
            elif message["t"] == "error":
                task = slot.finished()
                assert task is not None
                self._failed(task, message["error"], slot.machine)

    def free_gpu(self) -> None:
        """Let the workers leave as soon as they have nothing to do."""
        if not self.busy:
            self.crew.send_home()

    # ------------------------------------------------------------------ inside

    def _enqueue(self, record: Record) -> None:
        job = self.store.job(record.job_id)
        look = job.get("look")
        run = Run(
            record.job_id,
            record.session,
            record.created,
            record.priority,
            interactive=record.kind != "render",
            look=str(look.get("name", "")) if isinstance(look, dict) else "",
        )
        stages.first_stage(run, record.kind, elsewhere=not record.guest and linked(self.root) is not None)
        self.progress[record.job_id] = Progress()
        if not self.draining:
            self.scheduler.add(run)

    def _give(self, slot: Slot, task: Task) -> None:
        folder = str(self.store.folder(task.job_id)) if task.job_id else ""
        try:
            slot.give(task, folder, str(self.root))
        except OSError as error:
            say("worker not started", level=logging.ERROR, place=slot.place.name, why=error.strerror)
            slot.gone()
            self._failed(task, CannotStart(error).to_wire())
        except FAULTS as error:
            trace = "".join(traceback.format_tb(error.__traceback__))
            say("task not given", level=logging.ERROR, error=type(error).__name__, trace=trace)
            self.at_fault(slot, task, type(error).__name__)

    def _begin(self, task: Task) -> None:
        run = self.scheduler.runs[task.job_id]
        if self.records[task.job_id].state == "queued":
            self.change(task.job_id, "start")
        progress = self.progress[task.job_id]
        if progress.stage != run.stage:
            workers = len(self.crew.executor.places())
            forecast = self.forecast
            expected, later = forecast.expected_s(run, run.stage, workers), forecast.later_s(run, workers)
            progress.enter(run.stage, run.total_units, expected, later)

    def _progressed(self, task: Task, message: Mapping[str, Any]) -> None:
        run = self._run_of(task)
        if run is None:
            return
        progress = self.progress[task.job_id]
        before = progress.phase
        progress.take(message, run.done_units, task.units)
        blob = preview_of(message.get("preview"))
        now = time.monotonic()
        if progress.phase == before and blob is None and now - progress.sent < self.limits.event_gap_s:
            return
        progress.sent = now
        record = self.records[task.job_id]
        self.records[task.job_id] = record = replace(record, seq=record.seq + 1)
        shown = {name: message[name] for name in ("frame", "seed") if name in message}
        body = {**progress.to_json(), "state": record.state, "seq": record.seq, **shown}
        self._publish(f"job.{task.job_id}", "progress", body, blob)

    def _done(self, task: Task, result: Mapping[str, Any], took_s: float) -> None:
        if not task.job_id:
            self._answer(task, {"ok": True, **result})
            return
        run = self._run_of(task)
        if run is None:
            return
        record = self.records[task.job_id]
        if task.kind in ("keys", "part"):
            made = f"{'keys' if task.kind == 'keys' else 'segments'}_rendered"
            count = int(result.get("rendered", 0))
            if count:
                # Saved within a second, or with the next change of state: a flush to the disk a task is too much.
                record = self.records[task.job_id] = replace(record, **{made: getattr(record, made) + count})
                self._unsaved.add(task.job_id)
        run.made = {"keys": record.keys_rendered, "segments": record.segments_rendered}
        self.forecast.measured(run, task, result, took_s)
        stage_over = self._finish(run, task)
        if stage_over:  # Whoever asks what a job would take reads it from the disk.
            self.forecast.save()
        last = run.stage in ("finish", "seeds", "suggest")
        if record.state != "running" and not (last and record.state == "cancel_requested"):
            self._leave_when_over(run)
        elif stage_over and not stages.next_stage(run, result):
            self.scheduler.drop(task.job_id)
            self.change(task.job_id, "finish", result=dict(result))
            say("job done", job=task.job_id)
            self._prune_now_and_then()

    def _failed(self, task: Task, error: Mapping[str, Any], machine: str = "") -> None:
        if not task.job_id:
            self._answer(task, {"ok": False, **error})
            return
        run = self._run_of(task)
        if run is None:
            return
        if machine and self._may_do_better_elsewhere(task, error):
            self.progress[run.job_id].over(task.task_id)
            run.put_back(task, stages.again(task, machine, str(error.get("message", "")), sparing=False))
            return
        error = stages.both(error, machine, task.failed)
        run.waiting.clear()
        self._finish(run, task)
        if self.records[task.job_id].state == "running":
            self.change(task.job_id, "fail", error=dict(error))
            say("job failed", job=task.job_id, code=error.get("code"))
            # What others make of this job now would be of use only if it were tried again.
            self.crew.cancel(task.job_id)
        self._leave_when_over(run)

    def _may_do_better_elsewhere(self, task: Task, error: Mapping[str, Any]) -> bool:
        """Whether a task that failed on one machine is to be tried on another, once."""
        tried = bool(task.failed) or not self.crew.executor.machines
        hopeless = bool(error.get("bad_input")) or error.get("code") == "cancelled"
        return not tried and not hopeless and self.records[task.job_id].state == "running"

    def _run_of(self, task: Task) -> Run | None:
        """The run that a task at work belongs to; None when the job was dropped, or begun anew, in the meantime."""
        run = self.scheduler.runs.get(task.job_id)
        return run if run is not None and task.task_id in run.working else None

    def _finish(self, run: Run, task: Task) -> bool:
        self.progress[run.job_id].over(task.task_id)
        return run.finish(task)

    def _leave_when_over(self, run: Run) -> None:
        """A run that was cancelled or failed ends with the last of its tasks that are at work."""
        if run.working:
            return
        self.scheduler.drop(run.job_id)
        if self.records[run.job_id].state == "cancel_requested":
            self.change(run.job_id, "cancelled")

    def _cannot_work(self, trouble: Mapping[str, Any]) -> None:
        """There is no place to work at, and the executor says why."""
        for job_id, run in list(self.scheduler.runs.items()):
            if run.working:
                continue
            self.scheduler.drop(job_id)
            if self.records[job_id].state == "queued":
                self.change(job_id, "start")
            if self.records[job_id].state == "running":
                self.change(job_id, "fail", error=dict(trouble))

    def _gone(self, slot: Slot) -> None:
        """A worker ended: by itself, by us, or by a crash."""
        why, machine, task = slot.why or "crash", slot.machine, slot.gone()
        if task is None:
            return
        say("worker died", why=why.partition(":")[0], kind=task.kind, attempt=task.attempt, machine=machine)
        run = self._run_of(task)
        if run is not None and self.records[task.job_id].state != "running":
            self._finish(run, task)
            self._leave_when_over(run)
            return
        if why == LOST and run is not None:
            self.progress[run.job_id].over(task.task_id)
            run.put_back(task, replace(task, task_id=uuid.uuid4().hex))
            return
        local = slot is self.crew.light or self.crew.executor.name == "local"
        too_often = local and self._too_many_deaths()
        if task.attempt or too_often:
            self._failed(task, WorkerDied(why, task.kind).to_wire(), machine)
        elif run is not None:
            named: dict[str, Any] = {name: task.body[name] for name in ("keys", "part") if name in task.body}
            if task.model:
                run.memory += 1
                named["memory"] = run.memory
            run.retries.append({"task": task.kind, **named, "why": why})
            self.progress[run.job_id].over(task.task_id)
            run.put_back(task, stages.again(task, machine, why))
            run.waiting = [stages.sparing(run, waiting) for waiting in run.waiting]
        elif not task.job_id:
            retry = stages.again(task)
            self._replies[retry.task_id] = self._replies.pop(task.task_id)
            self._light.appendleft(retry)
        if too_often:
            self._hold_queue()

    def _too_many_deaths(self) -> bool:
        now = time.monotonic()
        self._deaths.append(now)
        while now - self._deaths[0] > self.limits.restarts_within_s:
            self._deaths.popleft()
        return len(self._deaths) > self.limits.restarts

    def _hold_queue(self) -> None:
        """The worker keeps dying: what has not begun waits for a click."""
        self._deaths.clear()
        for job_id in list(self.scheduler.runs):
            if self.records[job_id].state == "queued":
                self.scheduler.drop(job_id)
                self.change(job_id, "hold", note="The worker keeps ending; 'restrip engine log' says why.")

    def _answer(self, task: Task, body: Mapping[str, Any]) -> None:
        reply = self._replies.pop(task.task_id, None)
        if reply is not None:
            reply(body)

    def _save_counts(self) -> None:
        """Save how many keys and segments the jobs at work have made, now and then."""
        now = time.monotonic()
        if not self._unsaved or now - self._counted < SAVE_GAP_S:
            return
        self._counted = now
        for job_id in self._unsaved & set(self.records):
            self._save(self.records[job_id])
        self._unsaved.clear()

    def _prune_now_and_then(self) -> None:
        now = time.monotonic()
        if self._pruned and now - self._pruned < PRUNE_GAP_S:
            return
        self._pruned = now
        body = {"prune_mib": self.preferences.cache_mib, "protected_jobs": self.unplaced()}
        self.ask_worker("cache", body, lambda reply: None)

    def prefer(self, preferences: Preferences) -> None:
        """Take what the user set, now and for engines to come. Raises OSError."""
        preferences.save(self.root)
        self.preferences = preferences
