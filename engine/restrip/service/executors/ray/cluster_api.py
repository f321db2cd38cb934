"""What the scheduler needs of a cluster; Ray's is in ray_cluster.py, the only file that imports Ray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from restrip.service.executors.ray.node import NodeResult, NodeTask


@dataclass(frozen=True)
class Machine:
    """One machine of the cluster and what it gives to Ray. `gpu_mib` is 0 while it isn't known."""

    node_id: str
    cpus: float
    gpus: float = 0.0
    memory_mib: int = 0
    gpu_mib: int = 0


@dataclass(frozen=True)
class ResourceRequest:
    """What a task takes: `cpus`, a share of a GPU (0 to 1), memory; and which machines are not to do it. `here` is the
    engine's own machine.
    """

    cpus: float = 0.0
    share: float = 0.0
    memory_mib: int = 0
    avoid: frozenset[str] = frozenset()
    here: bool = False


@dataclass(frozen=True)
class Lost:
    """A task that won't come back, and why."""

    why: str


class Cluster(Protocol):
    """A cluster. Nothing in here waits, but for `put`."""

    def machines(self) -> Sequence[Machine]:
        """Those that are there now."""

    def put(self, chunk: bytes) -> Any:
        """Lay something out for all machines; what is given back leads to it, as long as it is held."""

    def hire(self, request: ResourceRequest) -> Any:
        """A process that keeps what it loads from task to task."""

    def dismiss(self, actor: Any) -> None:
        """End it."""

    def begin(self, task: NodeTask, request: ResourceRequest, actor: Any = None) -> Any:
        """Start a task, on an actor or on any process; returns the ticket of its result."""

    def cancel(self, task_id: str) -> None:
        """Ask a task to stop at its next step."""

    def end(self, ticket: Any, actor: Any = None) -> None:
        """End a task by force: it comes back as Lost."""

    def told(self) -> Sequence[Mapping[str, Any]]:
        """What tasks said of themselves since the last call: "started" (with node and machine) and "progress"."""

    def back(self) -> Sequence[tuple[Any, NodeResult | Lost]]:
        """Tickets that are over since the last call."""
