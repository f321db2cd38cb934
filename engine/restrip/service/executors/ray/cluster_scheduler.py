"""Gives the engine's tasks to a cluster: which process does what, what is sent with it, what is done when it is lost.

keys, seeds       a process a GPU (or a share of one) that keeps its model loaded; those of a job go where its model is
part              anywhere, a core each and no GPU: those are the models'
prepare, finish   on the engine's own machine, which writes the user's files
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import Cancelled, RestripError
from restrip.jobs.cache import Cache
from restrip.jobs.tasks.registry import FileTrouble
from restrip.service.executors.ray import archive
from restrip.service.executors.ray.cluster_api import Cluster, Lost
from restrip.service.executors.ray.cluster_capacity import Capacity
from restrip.service.executors.ray.cluster_task import MODEL_KINDS, PART_KINDS, ClusterTask
from restrip.service.executors.ray.model_actors import ModelActors
from restrip.service.executors.ray.node import NodeResult, NodeTask
from restrip.service.executors.ray.staging import Staging

LOOK_S = 2.0
BEAT_S = 5.0

Send = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Options:
    """`window` is how many segments are in flight at most, 0 for one a core and one more a machine; `shared` says
    whether machines see the engine's folder ("auto" looks); `token` proves it; `idle_s` is how long a model is kept.
    """

    state_dir: Path
    window: int = 0
    shared: str = "auto"
    token: tuple[str, str] = ("", "")
    idle_s: float = 300.0


class ClusterScheduler:
    """One cluster. `take` gets what the engine says, `turn` is called often; what is to be said goes to `send`."""

    def __init__(self, cluster: Cluster, send: Send, options: Options) -> None:
        self.cluster, self.send, self.options = cluster, send, options
        self.capacity = Capacity()
        self.actors = ModelActors(cluster, self.capacity)
        self.waiting: list[ClusterTask] = []
        self.working: dict[Any, ClusterTask] = {}
        self._by_worker: dict[str, ClusterTask] = {}
        self._by_task: dict[str, ClusterTask] = {}
        self.staging = Staging(cluster, Cache(options.state_dir))
        self._said: dict[str, Any] = {}
        self._looked = self._beat = -math.inf
        self._carriers = ThreadPoolExecutor(4, thread_name_prefix="carrier")

    def take(self, message: Mapping[str, Any]) -> None:
        """What the engine says to one of its workers."""
        worker, kind = str(message["to"]), message["t"]
        task = self._by_worker.get(worker)
        if kind == "task":
            self.send({"from": worker, "t": "ready"})
            task = ClusterTask(worker, message, self.capacity.request_for(message))
            self._by_worker[worker] = self._by_task[task.task_id] = task
            self.waiting.append(task)
        elif kind == "leave":
            self._gone(worker)
            self._rest(at_once=True)
        elif task is None:
            return  # It came back in the meantime.
        elif kind == "stop" and task in self.waiting:
            self.waiting.remove(task)
            self._say(task, "error", error=Cancelled().to_wire())
        elif kind == "stop":
            self.cluster.cancel(task.task_id)
        elif kind == "end" and task in self.waiting:
            self.waiting.remove(task)
            self._say(task, "crash", what="it was ended before it began")
            self._gone(worker)
        elif kind == "end":
            self.cluster.end(task.ticket, task.actor.handle if task.actor else None)

    def turn(self) -> None:
        """Look at everything once."""
        now = time.monotonic()
        if now - self._looked > LOOK_S:
            self._looked = now
            self._look()
        # In this order: where a task was begun is on the board before it comes back.
        back = self.cluster.back()
        for told in self.cluster.told():
            self._told(told)
        for ticket, came in back:
            if ticket in self.working:
                self._back(self.working.pop(ticket), came)
        for task in list(self.waiting):
            self._begin(task)
        self._rest()
        if now - self._beat > BEAT_S:
            self._beat = now
            # What waits for a place in the cluster is no worker that hangs.
            for task in (*self.waiting, *(e for e in self.working.values() if not e.node)):
                self.send({"from": task.worker, "t": "ready"})

    @property
    def busy(self) -> bool:
        """Whether anything is on its way."""
        return bool(self.waiting or self.working)

    # ------------------------------------------------------------------ what there is

    def _look(self) -> None:
        here = self.capacity
        here.machines = tuple(self.cluster.machines())
        said = {
            "machines": len(here.machines),
            "cpus": here.cpus,
            "gpus": here.gpus,
            "model": here.models,
            "part": self.options.window or max(1, math.floor(here.cpus)) + len(here.machines),
        }
        if said != self._said and here.machines:
            self._said = said
            self.send({"t": "cluster", **said})

    # ------------------------------------------------------------------ out

    def _begin(self, task: ClusterTask) -> None:
        model = task.kind in MODEL_KINDS
        actor = self.actors.for_task(task) if model else None
        if model and actor is None:
            return  # All are busy.
        try:
            node_task = self._node_task(task)
        except (RestripError, OSError) as error:
            self.waiting.remove(task)
            self._say(task, "error", error=_wire(error))
            return
        self.waiting.remove(task)
        task.actor = actor
        if actor is not None:
            actor.task, actor.job, actor.loaded = (
                task,
                str(task.message["job"]),
                str(task.message.get("model", "")),
            )
        task.ticket = self.cluster.begin(node_task, task.request, actor.handle if actor else None)
        self.working[task.ticket] = task

    def _node_task(self, task: ClusterTask) -> NodeTask:
        mode = "here" if task.request.here else self.options.shared
        message = {k: v for k, v in task.message.items() if k != "to"}
        if task.kind in PART_KINDS:  # Newer versions of Ray show GPUs to those who asked for none.
            message["body"] = {**message["body"], "gpu": False}
        node_task = NodeTask(message, mode, self.options.token)
        if mode in ("here", "yes"):
            return node_task
        return self.staging.filled(node_task)

    # ------------------------------------------------------------------ back

    def _told(self, told: Mapping[str, Any]) -> None:
        task = self._by_task.get(told["id"])
        if task is None:
            return
        if told["t"] == "started":
            task.node, task.machine = str(told["node"]), str(told["machine"])
            self.capacity.names[task.machine] = task.node
            if task.actor is not None:
                task.actor.node = task.node
            if not task.request.here:
                self.send({"from": task.worker, "t": "ready", "machine": task.machine})
        else:
            self.send({**told, "from": task.worker})

    def _back(self, task: ClusterTask, came: NodeResult | Lost) -> None:
        actor = task.actor
        if actor is not None:
            actor.task, actor.idle_since = None, time.monotonic()
            if isinstance(came, Lost) or came.crash:
                self.actors.dismiss(actor)
        if isinstance(came, Lost) or came.crash:
            self._say(task, "crash", what=came.why if isinstance(came, Lost) else came.crash)
            self._gone(task.worker)
        elif came.lacks:
            self._send_what_lacks(task, came.lacks)
        elif came.error is not None:
            self._say(task, "error", error=came.error, loaded=came.loaded)
        elif came.made or came.left:
            self._carriers.submit(self._bring_home, task, came)
        else:
            self._say(task, "result", result=came.result, loaded=came.loaded, facts=dict(came.facts))

    def _send_what_lacks(self, task: ClusterTask, lacks: tuple[str, ...]) -> None:
        """The same task again, with what its machine doesn't have."""
        try:
            self.staging.lay_out(task.message, lacks)
        except (RestripError, OSError) as error:
            self._say(task, "error", error=_wire(error))
            return
        task.node = ""
        self.waiting.insert(0, task)

    def _bring_home(self, task: ClusterTask, came: NodeResult) -> None:
        """Put what was made elsewhere into the engine's cache and the job's folder. On a carrier's thread."""
        try:
            for kind, key, chunks in came.made:
                archive.take_entry(self.staging.cache, kind, key, chunks)
            if came.left:
                result = Path(task.message["job"]) / "result"
                result.mkdir(exist_ok=True)
                archive.unpacked(came.left, result)
        except (RestripError, OSError) as error:
            self._say(task, "error", error=_wire(error))
            return
        self._say(task, "result", result=came.result, loaded=came.loaded, facts=dict(came.facts))

    def _say(self, task: ClusterTask, kind: str, **more: Any) -> None:
        """The last word on a task."""
        self._by_task.pop(task.task_id, None)
        self._by_worker.pop(task.worker, None)
        self.send({"from": task.worker, "t": kind, "id": task.task_id, **more})

    def _gone(self, worker: str) -> None:
        self.send({"from": worker, "t": "gone"})

    def _rest(self, at_once: bool = False) -> None:
        """Unload models that were not used for a while; `at_once` when no model is wanted at all."""
        wanted = any(e.kind in MODEL_KINDS for e in (*self.waiting, *self.working.values()))
        limit = 0.0 if at_once and not wanted else self.options.idle_s
        self.actors.rest(limit)


def _wire(error: Exception) -> dict[str, Any]:
    if isinstance(error, RestripError):
        return error.to_wire()
    assert isinstance(error, OSError)
    return FileTrouble(str(error.filename or ""), error.strerror or str(error)).to_wire()
