"""This machine: one worker a GPU, each seeing its own alone; one worker where there is none.

render      CUDA_VISIBLE_DEVICES=GPU-1f..
render-2    CUDA_VISIBLE_DEVICES=GPU-9c..        the same queue feeds all of them
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from restrip.jobs.resources.gpu import list_gpus
from restrip.service.executors.executor import Heard, Start
from restrip.service.workers.process import Worker
from restrip.service.workers.spec import RENDER, WorkerSpec

Find = Callable[[], Sequence[str]]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class LocalExecutor:
    """Worker children of the engine. `workers` sets how many, 0 leaves it to the GPUs that are found."""

    name = "local"
    machines = False

    def __init__(self, start: Start, workers: int = 0, find: Find = list_gpus) -> None:
        self._start = start
        self._places: tuple[WorkerSpec, ...] = local_places(max(1, workers), ())
        if not workers:
            # Asking the driver may take seconds; until it has answered one worker does.
            threading.Thread(target=self._look, args=(find,), daemon=True, name="find gpus").start()

    def places(self) -> Sequence[WorkerSpec]:
        """One a GPU."""
        return self._places

    def start(self, place: WorkerSpec, worker_id: str) -> Worker:
        """A child process."""
        return self._start(worker_id, dict(place.environment))

    def heard(self, worker_id: str, message: Mapping[str, Any] | None) -> Iterable[Heard]:
        """Workers speak for themselves."""
        return ((worker_id, message),)

    def trouble(self) -> None:
        """There is always this machine."""

    def facts(self) -> Mapping[str, Any]:
        """How many workers there may be."""
        return {"name": self.name, "places": len(self._places)}

    def close(self) -> None:
        """Nothing is held: the engine ends its workers."""

    def _look(self, find: Find) -> None:
        gpus = find()
        if len(gpus) > 1:
            self._places = local_places(len(gpus), gpus)


def local_places(
    count: int, gpus: Sequence[str], environment: Mapping[str, str] = os.environ
) -> tuple[WorkerSpec, ...]:
    """`count` places that share the GPUs, and the processor's cores where the user hasn't said how many threads."""
    shared: dict[str, str] = {}
    if count > 1:
        threads = str(max(1, (os.cpu_count() or 1) // count))
        shared = {name: threads for name in THREADS if name not in environment}
    places = []
    for n in range(count):
        own = {"CUDA_VISIBLE_DEVICES": gpus[n % len(gpus)]} if gpus else {}
        places.append(
            WorkerSpec(
                RENDER.name if n == 0 else f"{RENDER.name}-{n + 1}", environment=tuple({**shared, **own}.items())
            )
        )
    return tuple(places)
