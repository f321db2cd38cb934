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
from restrip.service.executors.ray.cluster_api import Grid, Lost, Machine, ResourceRequest
from restrip.service.executors.ray.node import NodeTask, Shipment
from restrip.service.executors.ray.staging import Parcels

MODEL_KINDS = frozenset({"keys", "seeds"})
PART_KINDS = frozenset({"part"})
LOOK_S = 2.0
BEAT_S = 5.0
CORES_A_MODEL = 4
"""On machines without a GPU a process with a model is counted as this many cores."""
SHARES = 8
"""A GPU is divided into eighths at most."""

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


@dataclass
class Hand:
    """A process with a model."""

    handle: Any
    share: float
    loaded: str = ""
    job: str = ""
    node: str = ""
    task: ClusterTask | None = None
    idle_since: float = 0.0


@dataclass
class ClusterTask:
    """A task on its way: for which of the engine's workers, where it is, and what it takes."""

    worker: str
    message: Mapping[str, Any]
    request: ResourceRequest
    ticket: Any = None
    hand: Hand | None = None
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


class Foreman:
    """One cluster. `take` gets what the engine says, `turn` is called often; what is to be said goes to `send`."""

    def __init__(self, grid: Grid, send: Send, options: Options) -> None:
        self.grid, self.send, self.options = grid, send, options
        self.machines: tuple[Machine, ...] = ()
        self.hands: list[Hand] = []
        self.waiting: list[ClusterTask] = []
        self.working: dict[Any, ClusterTask] = {}
        self._by_worker: dict[str, ClusterTask] = {}
        self._by_task: dict[str, ClusterTask] = {}
        self.parcels = Parcels(grid, Cache(options.state_dir))
        self._share = 1.0
        self._names: dict[str, str] = {}
        self._said: dict[str, Any] = {}
        self._looked = self._beat = -math.inf
        self._carriers = ThreadPoolExecutor(4, thread_name_prefix="carrier")

    def take(self, message: Mapping[str, Any]) -> None:
        """What the engine says to one of its workers."""
        worker, kind = str(message["to"]), message["t"]
        task = self._by_worker.get(worker)
        if kind == "task":
            self.send({"from": worker, "t": "ready"})
            task = ClusterTask(worker, message, self._request(message))
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
            self.grid.cancel(task.task_id)
        elif kind == "end" and task in self.waiting:
            self.waiting.remove(task)
            self._say(task, "crash", what="it was ended before it began")
            self._gone(worker)
        elif kind == "end":
            self.grid.end(task.ticket, task.hand.handle if task.hand else None)

    def turn(self) -> None:
        """Look at everything once."""
        now = time.monotonic()
        if now - self._looked > LOOK_S:
            self._looked = now
            self._look()
        # In this order: where a task was begun is on the board before it comes back.
        back = self.grid.back()
        for told in self.grid.told():
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
        self.machines = tuple(self.grid.machines())
        cpus, gpus = sum(m.cpus for m in self.machines), sum(m.gpus for m in self.machines)
        said = {
            "machines": len(self.machines),
            "cpus": cpus,
            "gpus": gpus,
            "model": max(1, self._room_for_models(self._share if gpus else 0.0)),
            "part": self.options.window or max(1, math.floor(cpus)) + len(self.machines),
        }
        if said != self._said and self.machines:
            self._said = said
            self.send({"t": "cluster", **said})

    def _room_for_models(self, share: float) -> int:
        """How many processes with a model there may be."""
        if share:
            return sum(math.floor(m.gpus) * math.floor(1 / share) for m in self.machines)
        return sum(max(1, math.floor(m.cpus / CORES_A_MODEL)) for m in self.machines)

    def _request(self, message: Mapping[str, Any]) -> ResourceRequest:
        """What a task takes, from what `check` knows of its look."""
        needs: Mapping[str, Any] = message.get("needs") or {}
        known = {self._names[name] for name in message.get("avoid", ()) if name in self._names}
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
            self._share = share
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

    # ------------------------------------------------------------------ out

    def _begin(self, task: ClusterTask) -> None:
        model = task.kind in MODEL_KINDS
        hand = self._hand_for(task) if model else None
        if model and hand is None:
            return  # All are busy.
        try:
            node_task = self._node_task(task)
        except (RestripError, OSError) as error:
            self.waiting.remove(task)
            self._say(task, "error", error=_wire(error))
            return
        self.waiting.remove(task)
        task.hand = hand
        if hand is not None:
            hand.task, hand.job, hand.loaded = (
                task,
                str(task.message["job"]),
                str(task.message.get("model", "")),
            )
        task.ticket = self.grid.begin(node_task, task.request, hand.handle if hand else None)
        self.working[task.ticket] = task

    def _node_task(self, task: ClusterTask) -> NodeTask:
        mode = "here" if task.request.here else self.options.shared
        message = {k: v for k, v in task.message.items() if k != "to"}
        if task.kind in PART_KINDS:  # Newer versions of Ray show GPUs to those who asked for none.
            message["body"] = {**message["body"], "gpu": False}
        node_task = NodeTask(message, mode, self.options.token)
        if mode in ("here", "yes"):
            return node_task
        return self.parcels.filled(node_task)

    def _hand_for(self, task: ClusterTask) -> Hand | None:
        """A process for this model: best one that has it and knows the job, else a new one, else one that is idle."""
        model, job = task.message.get("model", ""), task.message["job"]
        free = [h for h in self.hands if h.task is None and h.node not in task.request.avoid]
        fitting = [h for h in free if h.share >= task.request.share and bool(h.share) == bool(task.request.share)]
        with_model = [h for h in fitting if h.loaded == model]
        best = next((h for h in with_model if h.job == job), None) or next(iter(with_model), None)
        if best is not None:
            return best
        if not self._has_room(task.request) and not fitting:
            for hand in free[:1]:
                self._dismiss(hand)
        if self._has_room(task.request):
            hand = Hand(self.grid.hire(task.request), task.request.share)
            self.hands.append(hand)
            return hand
        return fitting[0] if fitting else None

    def _has_room(self, request: ResourceRequest) -> bool:
        if not request.share:
            return sum(not h.share for h in self.hands) < self._room_for_models(0.0)
        return sum(h.share for h in self.hands) + request.share <= sum(math.floor(m.gpus) for m in self.machines)

    # ------------------------------------------------------------------ back

    def _told(self, told: Mapping[str, Any]) -> None:
        task = self._by_task.get(told["id"])
        if task is None:
            return
        if told["t"] == "started":
            task.node, task.machine = str(told["node"]), str(told["machine"])
            self._names[task.machine] = task.node
            if task.hand is not None:
                task.hand.node = task.node
            if not task.request.here:
                self.send({"from": task.worker, "t": "ready", "machine": task.machine})
        else:
            self.send({**told, "from": task.worker})

    def _back(self, task: ClusterTask, came: Shipment | Lost) -> None:
        hand = task.hand
        if hand is not None:
            hand.task, hand.idle_since = None, time.monotonic()
            if isinstance(came, Lost) or came.crash:
                self._dismiss(hand)
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
            self.parcels.lay_out(task.message, lacks)
        except (RestripError, OSError) as error:
            self._say(task, "error", error=_wire(error))
            return
        task.node = ""
        self.waiting.insert(0, task)

    def _bring_home(self, task: ClusterTask, came: Shipment) -> None:
        """Put what was made elsewhere into the engine's cache and the job's folder. On a carrier's thread."""
        try:
            for kind, key, pieces in came.made:
                archive.take_entry(self.parcels.cache, kind, key, pieces)
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
        """Let models go that nobody has asked for in a while; `at_once` when no model is wanted at all."""
        wanted = any(e.kind in MODEL_KINDS for e in (*self.waiting, *self.working.values()))
        limit = 0.0 if at_once and not wanted else self.options.idle_s
        for hand in list(self.hands):
            if hand.task is None and time.monotonic() - hand.idle_since >= limit:
                self._dismiss(hand)

    def _dismiss(self, hand: Hand) -> None:
        self.hands.remove(hand)
        self.grid.dismiss(hand.handle)


def _wire(error: Exception) -> dict[str, Any]:
    if isinstance(error, RestripError):
        return error.to_wire()
    assert isinstance(error, OSError)
    return FileTrouble(str(error.filename or ""), error.strerror or str(error)).to_wire()
