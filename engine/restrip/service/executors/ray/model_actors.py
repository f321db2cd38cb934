"""The processes of a cluster that keep a model loaded: which does what, when one more is begun, when one ends."""

from __future__ import annotations

import math
import time

from restrip.service.executors.ray.cluster_api import Cluster, ResourceRequest
from restrip.service.executors.ray.cluster_capacity import Capacity
from restrip.service.executors.ray.cluster_task import ClusterTask, ModelActor


class ModelActors:
    """All of them, as many as the cluster's machines have room for."""

    def __init__(self, cluster: Cluster, capacity: Capacity) -> None:
        self._cluster, self._capacity = cluster, capacity
        self.all: list[ModelActor] = []

    def for_task(self, task: ClusterTask) -> ModelActor | None:
        """A process for this model: best one that has it and knows the job, else a new one, else one that is idle."""
        model, job = task.message.get("model", ""), task.message["job"]
        free = [a for a in self.all if a.task is None and a.node not in task.request.avoid]
        fitting = [a for a in free if a.share >= task.request.share and bool(a.share) == bool(task.request.share)]
        with_model = [a for a in fitting if a.loaded == model]
        best = next((a for a in with_model if a.job == job), None) or next(iter(with_model), None)
        if best is not None:
            return best
        if not self._has_room(task.request) and not fitting:
            for actor in free[:1]:
                self.dismiss(actor)
        if self._has_room(task.request):
            actor = ModelActor(self._cluster.hire(task.request), task.request.share)
            self.all.append(actor)
            return actor
        return fitting[0] if fitting else None

    def _has_room(self, request: ResourceRequest) -> bool:
        if not request.share:
            return sum(not a.share for a in self.all) < self._capacity.room_for_models(0.0)
        gpus = sum(math.floor(m.gpus) for m in self._capacity.machines)
        return sum(a.share for a in self.all) + request.share <= gpus

    def rest(self, idle_s: float) -> None:
        """End actors that were not used for so many seconds."""
        for actor in list(self.all):
            if actor.task is None and time.monotonic() - actor.idle_since >= idle_s:
                self.dismiss(actor)

    def dismiss(self, actor: ModelActor) -> None:
        """End one."""
        self.all.remove(actor)
        self._cluster.dismiss(actor.handle)
