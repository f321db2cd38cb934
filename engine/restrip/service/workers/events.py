"""Messages from workers, received and checked: a worker that sends an invalid one is ended, and its task fails."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Mapping
from typing import Any

from restrip.service.log import say
from restrip.service.task_lifecycle import TaskLifecycle
from restrip.service.workers.messages import FAULTS, BadReport, check_report, check_result
from restrip.service.workers.pool import WorkerPool
from restrip.service.workers.slot import Slot


class WorkerEvents:
    """Hands on what was heard to the slot and to what comes of its task. `facts` are of the workers' machines."""

    def __init__(self, pool: WorkerPool, lifecycle: TaskLifecycle) -> None:
        self.pool, self.lifecycle = pool, lifecycle
        self.facts: dict[str, Any] = {}

    def heard(self, worker_id: str, message: Mapping[str, Any] | None) -> None:
        """A worker sent a message; None means that its process ended."""
        for whose, what in self.pool.executor.heard(worker_id, message):
            slot = self.pool.slot_of(whose)
            if slot is None:
                continue
            if what is None:
                self.pool.left(whose)
                self.lifecycle.died(slot)
                continue
            task = slot.task
            try:
                check_report(what)
                self._heard(slot, what)
            except BadReport as error:
                self.lifecycle.at_fault(slot, task, error.detail["why"])
            except FAULTS as error:
                trace = "".join(traceback.format_tb(error.__traceback__))
                say("message not understood", level=logging.ERROR, error=type(error).__name__, trace=trace)
                self.lifecycle.at_fault(slot, task, type(error).__name__)

    def garbled(self, worker_id: str, error: BadReport) -> None:
        """A worker wrote something that is not a message."""
        slot = self.pool.slot_of(worker_id)
        if slot is not None:
            self.lifecycle.at_fault(slot, slot.task, error.detail["why"])

    def _heard(self, slot: Slot, message: Mapping[str, Any]) -> None:
        slot.alive(str(message.get("phase", "")))
        slot.loaded = str(message.get("loaded", slot.loaded))
        slot.machine = str(message.get("machine", slot.machine))
        if message["t"] == "ready":
            self.lifecycle.started()
        elif slot.task is not None and message.get("id") == slot.task.task_id:
            if message["t"] == "crash":
                slot.why, slot.cause = str(message.get("what", ""))[:300], str(message.get("cause", ""))
            elif message["t"] == "progress":
                self.lifecycle.progressed(slot.task, message)
            elif message["t"] == "result":
                check_result(slot.task.kind, message["result"])
                self.facts.update(message.get("facts", {}))
                took_s = time.monotonic() - slot.given
                task = slot.finished()
                assert task is not None
                self.lifecycle.done(task, message["result"], took_s)
            elif message["t"] == "error":
                task = slot.finished()
                assert task is not None
                self.lifecycle.failed(task, message["error"], slot.machine)
