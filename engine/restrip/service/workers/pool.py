"""All places for workers: the executor's for renders, and two here for small questions, the owner's and guests'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from restrip.service.executors import Executor
from restrip.service.executors.executor import Start
from restrip.service.limits import Limits
from restrip.service.workers.process import Worker
from restrip.service.workers.slot import Slot
from restrip.service.workers.spec import GUESTS, LIGHT, WorkerSpec


class WorkerPool:
    """The slots of all places; `light` is the one for small questions, `guests` the one for those that guests ask. Both
    are on this machine always.
    """

    def __init__(self, limits: Limits, start: Start, executor: Executor) -> None:
        self.limits, self.executor = limits, executor
        self.light = Slot(LIGHT, lambda place, worker_id: start(worker_id), limits)
        patience = replace(limits, step_s=limits.guest_s)
        self.guests = Slot(GUESTS, lambda place, worker_id: start(worker_id), patience)
        self.slots: dict[str, Slot] = {LIGHT.name: self.light, GUESTS.name: self.guests}
        self._by_worker: dict[str, Slot] = {}

    def watch(self) -> None:
        """Look at the clock of every worker."""
        for slot in self.slots.values():
            slot.watch()

    def stuck(self) -> list[Slot]:
        """The slots of this machine whose worker no signal ends."""
        own = self.slots.values() if self.executor.name == "local" else (self.light, self.guests)
        return [slot for slot in own if slot.stuck]

    def free(self) -> Iterator[Slot]:
        """The slots where a render's task may be done now."""
        for place in self.executor.places():
            slot = self.slots.get(place.name)
            if slot is not None and slot.place != place and slot.worker is not None:
                slot.send_home()  # The place changed since its worker was started; the next one fits.
                continue
            if slot is None or slot.place != place:
                slot = self.slots[place.name] = Slot(place, self._start, self.limits)
            if slot.free:
                yield slot

    def loaded_beside(self, slot: Slot) -> set[str]:
        """The models that workers of other places have in memory."""
        return {other.loaded for other in self.slots.values() if other is not slot and other.loaded}

    def slot_of(self, worker_id: str) -> Slot | None:
        """Where a worker is; None when it was replaced."""
        slot = self._by_worker.get(worker_id)
        if slot is None:
            slot = next((s for s in self.slots.values() if s.worker and s.worker.worker_id == worker_id), None)
            if slot is not None:
                self._by_worker[worker_id] = slot
        return slot if slot is not None and slot.worker and slot.worker.worker_id == worker_id else None

    def left(self, worker_id: str) -> None:
        """A worker's process ended."""
        self._by_worker.pop(worker_id, None)

    def cancel(self, job_id: str) -> None:
        """Ask all workers of a job to stop."""
        for slot in self.slots.values():
            if slot.task is not None and slot.task.job_id == job_id:
                slot.cancel()

    @property
    def at_work(self) -> bool:
        """Whether any worker has a task."""
        return any(slot.task is not None for slot in self.slots.values())

    def send_home(self) -> None:
        """Let those who render leave, and the GPUs' memory with them."""
        for slot in self.slots.values():
            if slot is not self.light:
                slot.send_home()

    def end(self) -> None:
        """End all workers at once."""
        for slot in self.slots.values():
            if slot.worker is not None:
                slot.worker.kill()
        self.executor.close()

    def _start(self, place: WorkerSpec, worker_id: str) -> Worker:
        return self.executor.start(place, worker_id)
