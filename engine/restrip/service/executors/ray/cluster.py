"""The machines of a Ray cluster. A child process speaks to Ray, so that the engine itself stays light.

places    ray-here-1, -2    prepare, finish: on the engine's machine
          ray-model-1 ...   keys, seeds: as many as the cluster has room for loaded models
          ray-part-1 ...    segments: as many as the window lets be in flight
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import RestripError
from restrip.service.executors.executor import Heard, Start
from restrip.service.limits import Limits
from restrip.service.log import say
from restrip.service.workers.crash_limiter import CrashLimiter
from restrip.service.workers.process import Worker
from restrip.service.workers.slot import LOST
from restrip.service.workers.spec import WorkerSpec
from restrip.storage.atomic import write_whole

DRIVER = ("-m", "restrip.service.executors.ray.driver")
HERE = frozenset({"prepare", "finish", "suggest", "elsewhere"})
MODELS = frozenset({"keys", "seeds"})
PARTS = frozenset({"part"})
HERE_PLACES = 2
PATIENCE_S = 30.0
TRY_AGAIN_S = 5.0


class DriverDied(RestripError):
    """The process that speaks to Ray keeps ending."""

    code = "ray-driver-died"

    def __init__(self, times: int) -> None:
        super().__init__(
            f"The process that speaks to Ray ended {times} times in a short time.",
            "'restrip engine log' says why. What was finished is kept: resume the job when Ray runs well again.",
        )


@dataclass(frozen=True)
class RaySettings:
    """Where the cluster is, whether its machines share the engine's folder ("auto" looks), and how many segments are
    in flight at most (0: one a core and one more a machine).
    """

    address: str = "auto"
    shared: str = "auto"
    window: int = 0


class RayWorker:
    """One place's worker: what it is sent goes to the driver under its id."""

    def __init__(self, worker_id: str, executor: RayExecutor) -> None:
        self.worker_id = worker_id
        self.task_id = ""
        self.exit_code: int | None = None  # Its process is somewhere else: only what it said is known.
        self.memory_ran_out, self.last_words = False, ""
        self._executor = executor
        self._ended = 0.0

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand a message over."""
        if message["t"] == "task":
            self.task_id = str(message["id"])
        # The pipe's other end keeps "cancel" for itself, as a worker's own does.
        kind = "stop" if message["t"] == "cancel" else message["t"]
        self._executor.tell({**message, "t": kind, "to": self.worker_id})

    def leave(self) -> None:
        """There is nothing to keep: the driver lets models go."""
        self._executor.tell({"t": "leave", "to": self.worker_id})

    def terminate(self) -> None:
        """End its task by force."""
        self._ended = time.monotonic()
        self._executor.tell({"t": "end", "to": self.worker_id})

    def kill(self) -> None:
        """The driver was told to end it; one that doesn't is ended itself."""
        if self._ended and time.monotonic() - self._ended > PATIENCE_S:
            self._executor.restart()


class RayExecutor:
    """A Ray cluster. `start` starts the driver."""

    name = "ray"

    def __init__(
        self,
        start: Start,
        root: Path,
        limits: Limits,
        settings: RaySettings,
        driver: Sequence[str] = DRIVER,
    ) -> None:
        self._start_child, self._root, self._limits, self._settings = start, root, limits, settings
        self._argv = driver
        self._driver: Worker | None = None
        self._workers: dict[str, RayWorker] = {}
        self._cluster: Mapping[str, Any] = {}
        self._places: tuple[WorkerSpec, ...] = ()
        self._trouble: Mapping[str, Any] | None = None
        self._troubled = 0.0
        self._deaths = CrashLimiter(limits)
        self._ending = False

    @property
    def machines(self) -> bool:
        """Whether there is another machine to try."""
        return int(self._cluster.get("machines", 0)) > 1

    def places(self) -> Sequence[WorkerSpec]:
        """As many as the cluster has room for; none before it has answered."""
        if self._driver is None and not self._ending:
            self._connect()
        return self._places

    def start(self, place: WorkerSpec, worker_id: str) -> Worker:
        """A worker, of which there is a name only: the driver finds a machine for its task."""
        worker = RayWorker(worker_id, self)
        self._workers[worker_id] = worker
        return worker

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message to the driver, if it runs; without it its workers have ended too."""
        if self._driver is not None:
            self._driver.send(message)

    def heard(self, worker_id: str, message: Mapping[str, Any] | None) -> Iterable[Heard]:
        """The driver's messages about its workers; when it ended they did too, through no fault of their tasks."""
        if self._driver is None or worker_id != self._driver.worker_id:
            return ((worker_id, message),)
        if message is None:
            return self._driver_gone()
        if message["t"] == "cluster":
            self._cluster = message
            self._places = tuple(_places(message))
            say("ray cluster", **{name: message[name] for name in ("machines", "cpus", "gpus")})
            return ()
        if message["t"] == "fatal":
            say("ray driver failed", why=str(message["error"].get("message", "")))
            if not self._cluster:  # One that was there may come back: the next driver tries.
                self._trouble, self._troubled = message["error"], time.monotonic()
            return ()
        whose = str(message.get("from", ""))
        if message["t"] == "gone":
            self._workers.pop(whose, None)
            return ((whose, None),)
        return ((whose, message),)

    def trouble(self) -> Mapping[str, Any] | None:
        """Why there is no cluster, said once: after that it is tried again."""
        trouble, self._trouble = self._trouble, None
        return trouble if time.monotonic() - self._troubled < TRY_AGAIN_S else None

    def facts(self) -> Mapping[str, Any]:
        """The cluster as the driver sees it."""
        known = {name: self._cluster[name] for name in ("machines", "cpus", "gpus") if name in self._cluster}
        trouble = self._trouble
        state = "connected" if self._places else "not connected" if trouble else "connecting"
        return {
            "name": self.name,
            "address": self._settings.address,
            "state": state,
            "trouble": f"{trouble.get('message', '')} {trouble.get('remedy', '')}" if trouble else "",
            "places": len(self._places),
            **known,
        }

    def restart(self) -> None:
        """Have another driver: this one doesn't do what it is told."""
        if self._driver is not None:
            self._driver.kill()

    def close(self) -> None:
        """The driver ends, and with it all that it began in the cluster."""
        self._ending = True
        if self._driver is not None:
            self._driver.kill()

    def _connect(self) -> None:
        token = self._root / "node-token"
        write_whole(token, uuid.uuid4().hex.encode(), mode=0o600)
        given = self._settings
        options = ["--address", given.address, "--state-dir", str(self._root), "--token", str(token)]
        options += ["--shared", given.shared, "--window", str(given.window)]
        self._driver = self._start_child(f"ray-driver-{uuid.uuid4().hex[:8]}", None, (*self._argv, *options))
        say("ray driver started", address=given.address)

    def _driver_gone(self) -> Iterator[Heard]:
        say("ray driver ended", expected=self._trouble is not None)
        self._driver, self._cluster, self._places = None, {}, ()
        workers, self._workers = list(self._workers.values()), {}
        if self._trouble is None and self._deaths.too_many():
            self._trouble, self._troubled = DriverDied(len(self._deaths)).to_wire(), time.monotonic()
            self._deaths.forget()
        for worker in workers:
            yield worker.worker_id, {"t": "crash", "id": worker.task_id, "what": LOST}
            yield worker.worker_id, None


def _places(cluster: Mapping[str, Any]) -> Iterator[WorkerSpec]:
    for name, count, kinds in (
        ("ray-here", HERE_PLACES, HERE),
        ("ray-model", int(cluster["model"]), MODELS),
        ("ray-part", int(cluster["part"]), PARTS),
    ):
        for n in range(count):
            yield WorkerSpec(f"{name}-{n + 1}", kinds)
