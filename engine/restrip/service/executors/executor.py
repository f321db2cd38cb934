"""What the engine needs of an executor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from restrip.service.workers.process import Worker
from restrip.service.workers.spec import WorkerSpec

Heard = tuple[str, Mapping[str, Any] | None]
"""A worker's id and its message; None means that its process ended."""


class Start(Protocol):
    """Starts a worker as a child of the engine."""

    def __call__(
        self, worker_id: str, environment: Mapping[str, str] | None = None, argv: Sequence[str] = (), /
    ) -> Worker:
        """The worker, or what `argv` names instead; what it says comes to the engine under this id."""


class Executor(Protocol):
    """Where renders are done. Called from the engine's one thread; nothing in here waits or computes."""

    @property
    def name(self) -> str:
        """As `--executor` names it."""

    @property
    def machines(self) -> bool:
        """Whether a task that failed may do better elsewhere: there are several machines."""

    def places(self) -> Sequence[WorkerSpec]:
        """Which there are now; no more tasks than these are given out at a time."""

    def start(self, place: WorkerSpec, worker_id: str) -> Worker:
        """A worker for a place."""

    def heard(self, worker_id: str, message: Mapping[str, Any] | None) -> Iterable[Heard]:
        """What a message means to the engine: for whom, and what."""

    def trouble(self) -> Mapping[str, Any] | None:
        """Why no work can be done here at present, as an error on the wire; None when it can."""

    def facts(self) -> Mapping[str, Any]:
        """What `engine_status` shows of it."""

    def close(self) -> None:
        """The engine ends."""
