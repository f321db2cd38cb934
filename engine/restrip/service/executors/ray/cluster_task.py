"""The engine's tasks on their way through a cluster, and the processes with a model that do some of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from restrip.service.executors.ray.cluster_api import ResourceRequest

MODEL_KINDS = frozenset({"keys", "seeds"})
PART_KINDS = frozenset({"part"})


@dataclass
class ClusterTask:
    """A task on its way: for which of the engine's workers, where it is, and what it takes."""

    worker: str
    message: Mapping[str, Any]
    request: ResourceRequest
    ticket: Any = None
    actor: ModelActor | None = None
    node: str = ""
    machine: str = ""

    @property
    def kind(self) -> str:
        """What is to be done."""
        return str(self.message["kind"])

    @property
    def task_id(self) -> str:
        """The task's own id."""
        return str(self.message["id"])


@dataclass
class ModelActor:
    """A process with a model."""

    handle: Any
    share: float
    loaded: str = ""
    job: str = ""
    node: str = ""
    task: ClusterTask | None = None
    idle_since: float = 0.0
