"""What the machines of a cluster have, and what the engine's tasks take of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from restrip.service.executors.ray.cluster_api import Machine, ResourceRequest
from restrip.service.executors.ray.cluster_task import MODEL_KINDS, PART_KINDS

CORES_A_MODEL = 4
"""On machines without a GPU a process with a model is counted as this many cores."""
SHARES = 8
"""A GPU is divided into eighths at most."""


class Capacity:
    """The machines that are there now; `names` are their nodes' ids by the names that tasks give them, `share` how much
    of a GPU the last model took.
    """

    def __init__(self) -> None:
        self.machines: tuple[Machine, ...] = ()
        self.names: dict[str, str] = {}
        self.share = 1.0

    @property
    def cpus(self) -> float:
        """Cores, all together."""
        return sum(m.cpus for m in self.machines)

    @property
    def gpus(self) -> float:
        """GPUs, all together."""
        return sum(m.gpus for m in self.machines)

    @property
    def models(self) -> int:
        """How many processes with a model as the last one there may be; one at least."""
        return max(1, self.room_for_models(self.share if self.gpus else 0.0))

    def room_for_models(self, share: float) -> int:
        """How many processes with a model there may be."""
        if share:
            return sum(math.floor(m.gpus) * math.floor(1 / share) for m in self.machines)
        return sum(max(1, math.floor(m.cpus / CORES_A_MODEL)) for m in self.machines)

    def request_for(self, message: Mapping[str, Any]) -> ResourceRequest:
        """What a task takes, from what `check` knows of its look."""
        needs: Mapping[str, Any] = message.get("needs") or {}
        known = {self.names[name] for name in message.get("avoid", ()) if name in self.names}
        # Where there is nowhere else to go, the machine that failed gets another chance.
        avoid = frozenset(known) if {m.node_id for m in self.machines} - known else frozenset[str]()
        most = max((m.memory_mib for m in self.machines), default=0)
        if message["kind"] in PART_KINDS:
            return ResourceRequest(cpus=1.0, memory_mib=min(most, int(needs.get("part_mib") or 0)), avoid=avoid)
        if message["kind"] not in MODEL_KINDS:
            return ResourceRequest(here=True)
        model_mib = int(needs.get("model_mib") or 0)
        share = self._share_of(model_mib) if needs.get("gpu") else 0.0
        if share:
            self.share = share
        return ResourceRequest(share=share, memory_mib=0 if share else min(most, model_mib), avoid=avoid)

    def _share_of(self, model_mib: int) -> float:
        """How much of a GPU a model takes, in eighths; all of it when that isn't known, none when there is none."""
        gpus = [m for m in self.machines if m.gpus]
        if not gpus:
            return 0.0
        smallest = min(m.gpu_mib for m in gpus)
        if not smallest or not model_mib:
            return 1.0
        return min(1.0, math.ceil(SHARES * model_mib / smallest) / SHARES)
