"""A Ray cluster as the scheduler sees it. The only file that imports Ray; it is loaded in the driver and on the nodes.

driver (a child of the engine) ── tasks, actors ──► nodes
        ▲                                              │
        └────────────── board, an actor ◄── started, progress ──┘      the answer says whether to stop
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from restrip.errors import RestripError
from restrip.jobs.resources.gpu import find_gpu
from restrip.jobs.tasks.registry import WorkerMemory
from restrip.service.executors.ray.cluster_api import Lost, Machine, ResourceRequest
from restrip.service.executors.ray.node import NodeResult, NodeTask, do, machine_name

NODE_LABEL = "ray.io/node-id"


class RayUnreachable(RestripError):
    """No Ray cluster answers."""

    code = "ray-unreachable"

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"No Ray cluster answers at {address}: {why}.",
            "Start one ('ray start --head' here, 'ray start --address=...' on the others), or go back to this machine "
            "alone: restrip engine start --executor local",
            address=address,
        )


class RayCluster:
    """The cluster at `address` ("auto" for the one that this machine belongs to). `wake` is called from other threads
    when something came back. Raises RayUnreachable.
    """

    def __init__(self, address: str, wake: Callable[[], None]) -> None:
        try:
            ray.init(address=address, log_to_driver=False, logging_level="warning")
        except (ConnectionError, RuntimeError, ValueError, RayError, OSError) as error:
            raise RayUnreachable(address, _short(error)) from error
        self._here = str(ray.get_runtime_context().get_node_id())
        self._board: Any = _Board.options(scheduling_strategy=self._affinity(self._here)).remote()  # type: ignore[attr-defined,unused-ignore]
        self._wake = wake
        self._lock = threading.Lock()
        self._back: list[tuple[Any, NodeResult | Lost]] = []
        self._gpus: dict[str, Any] = {}

    def machines(self) -> Sequence[Machine]:
        """The nodes that are alive, as they registered with Ray."""
        found = []
        for node in ray.nodes():
            if node["Alive"]:
                has: Mapping[str, float] = node["Resources"]
                node_id, gpus = str(node["NodeID"]), float(has.get("GPU", 0))
                mib = int(has.get("memory", 0)) >> 20
                found.append(Machine(node_id, float(has.get("CPU", 0)), gpus, mib, self._gpu_mib(node_id, gpus)))
        return found

    def put(self, chunk: bytes) -> Any:
        """Into Ray's object store; each node fetches it once."""
        return ray.put(chunk)

    def hire(self, request: ResourceRequest) -> Any:
        """An actor with a share of a GPU."""
        return _Model.options(**_needs(request)).remote()  # type: ignore[attr-defined,unused-ignore]

    def dismiss(self, actor: Any) -> None:
        """End an actor."""
        ray.kill(actor)

    def begin(self, task: NodeTask, request: ResourceRequest, actor: Any = None) -> Any:
        """A Ray task, or a call of an actor."""
        if actor is not None:
            reference = actor.do.remote(task, self._board)
        elif request.here:
            options = {"num_cpus": 0, "scheduling_strategy": self._affinity(self._here)}
            reference = _do_task.options(**options).remote(task, self._board)
        else:
            reference = _do_task.options(**_needs(request)).remote(task, self._board)
        # Called at once when it is done already: the scheduler reads what came back after it has the ticket.
        reference.future().add_done_callback(lambda future: self._done(reference, future))
        return reference

    def cancel(self, task_id: str) -> None:
        """The task is told when it next says something."""
        self._board.cancel.remote(task_id)

    def end(self, ticket: Any, actor: Any = None) -> None:
        """By force."""
        with contextlib.suppress(RayError, ValueError):
            if actor is not None:
                ray.kill(actor)
            else:
                ray.cancel(ticket, force=True)

    def told(self) -> Sequence[Mapping[str, Any]]:
        """What is on the board."""
        try:
            messages: list[Mapping[str, Any]] = ray.get(self._board.take.remote())
        except RayError as error:
            raise RayUnreachable("the engine's own node", _short(error)) from error
        return messages

    def back(self) -> Sequence[tuple[Any, NodeResult | Lost]]:
        """What came back."""
        with self._lock:
            came, self._back = self._back, []
        return came

    def _done(self, reference: Any, future: Future[Any]) -> None:
        error = future.exception()
        came: NodeResult | Lost = future.result() if error is None else Lost(_short(error))
        with self._lock:
            self._back.append((reference, came))
        self._wake()

    def _gpu_mib(self, node_id: str, gpus: float) -> int:
        """The memory of a node's GPUs; asked once, 0 until it has answered."""
        if not gpus:
            return 0
        if node_id not in self._gpus:
            asked = _gpu_of_node.options(scheduling_strategy=self._affinity(node_id)).remote()
            self._gpus[node_id] = asked.future()
        answer = self._gpus[node_id]
        return int(answer.result()) if answer.done() and answer.exception() is None else 0

    @staticmethod
    def _affinity(node_id: str) -> Any:
        return NodeAffinitySchedulingStrategy(node_id, soft=False)


def _needs(request: ResourceRequest) -> dict[str, Any]:
    """Ray's options for what a task takes."""
    options: dict[str, Any] = {"num_cpus": request.cpus, "num_gpus": request.share}
    if request.memory_mib:
        options["memory"] = request.memory_mib << 20
    if request.avoid:
        options["label_selector"] = {NODE_LABEL: f"!in({','.join(sorted(request.avoid))})"}
    else:
        options["scheduling_strategy"] = "SPREAD"
    return options


def _short(error: BaseException) -> str:
    """The first sentence: Ray's errors go on for a page."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")


# ---------------------------------------------------------------------- on the nodes


@ray.remote(num_cpus=0, max_restarts=0)
class _Board:
    """Where tasks say how far they are, and hear whether to stop."""

    def __init__(self) -> None:
        self._messages: list[Mapping[str, Any]] = []
        self._cancelled: set[str] = set()

    def tell(self, message: Mapping[str, Any]) -> bool:
        """Take a message; whether its task is to stop."""
        self._messages.append(message)
        return message["id"] in self._cancelled

    def take(self) -> list[Mapping[str, Any]]:
        """All messages since the last call."""
        messages, self._messages = self._messages, []
        return messages

    def cancel(self, task_id: str) -> None:
        """Have a task stop."""
        self._cancelled.add(task_id)


@ray.remote(num_cpus=0, max_restarts=0, max_task_retries=0)
class _Model:
    """A process that keeps its model loaded."""

    def __init__(self) -> None:
        self._shop = WorkerMemory()

    def do(self, task: NodeTask, board: Any) -> NodeResult:
        """A task."""
        return _do(self._shop, task, board)


@ray.remote(num_cpus=1, max_retries=0)  # type: ignore[untyped-decorator,unused-ignore]
def _do_task(task: NodeTask, board: Any) -> NodeResult:
    return _do(WorkerMemory(), task, board)


@ray.remote(num_cpus=0, max_retries=1)  # type: ignore[untyped-decorator,unused-ignore]
def _gpu_of_node() -> int:
    return int((find_gpu() or {}).get("total_mib", 0))


def _do(shop: WorkerMemory, task: NodeTask, board: Any) -> NodeResult:
    node_id = str(ray.get_runtime_context().get_node_id())

    def tell(message: Mapping[str, Any]) -> bool:
        return bool(ray.get(board.tell.remote(message)))

    tell({"t": "started", "id": task.message["id"], "node": node_id, "machine": machine_name(node_id)})
    return do(shop, task, node_id, tell, ray.get)
