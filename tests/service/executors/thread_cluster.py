"""A cluster of two machines that are threads: the driver's and the nodes' own code, without Ray.

Run as a program it is a driver. The address is a file with commands for it: a machine's name takes it away with all
that it does, break:KIND loses tasks of a kind, fail:KIND fails them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from restrip.errors import RestripError
from restrip.jobs.tasks.registry import FileTrouble, WorkerMemory
from restrip.service.executors.ray.cluster_api import Lost, Machine, ResourceRequest
from restrip.service.executors.ray.node import NodeResult, NodeTask, do


class RayUnreachable(RestripError):
    """There is no cluster."""

    code = "ray-unreachable"


class ThreadCluster:
    """Machines "node-a..." and "node-b...", a task a thread."""

    def __init__(self, address: str, wake: Callable[[], None]) -> None:
        self.commands = Path(address)
        if not self.commands.parent.is_dir():
            raise RayUnreachable(address)
        self.wake = wake
        self.nodes = ["node-a" + "0" * 20, "node-b" + "0" * 20]
        self.lock = threading.Lock()
        self.messages: list[Mapping[str, Any]] = []
        self.over: list[tuple[Any, NodeResult | Lost]] = []
        self.open: dict[int, str] = {}
        self.cancelled: set[str] = set()
        self.count = 0

    def machines(self) -> Sequence[Machine]:
        self._obey()
        return [Machine(node, cpus=1.0, memory_mib=4096) for node in self.nodes]

    def put(self, chunk: bytes) -> Any:
        return chunk

    def hire(self, request: ResourceRequest) -> Any:
        return {"shop": WorkerMemory(), "node": self._node(request)}

    def dismiss(self, actor: Any) -> None:
        pass

    def begin(self, task: NodeTask, request: ResourceRequest, actor: Any = None) -> Any:
        self._obey()
        node = actor["node"] if actor else self._node(request)
        shop = actor["shop"] if actor else WorkerMemory()
        with self.lock:
            self.count += 1
            ticket = self.count
            self.open[ticket] = node
        threading.Thread(target=self._do, args=(ticket, task, shop, node), daemon=True).start()
        return ticket

    def cancel(self, task_id: str) -> None:
        self.cancelled.add(task_id)

    def end(self, ticket: Any, actor: Any = None) -> None:
        self._come_back(ticket, Lost("ended"))

    def told(self) -> Sequence[Mapping[str, Any]]:
        self._obey()
        with self.lock:
            messages, self.messages = self.messages, []
        return messages

    def back(self) -> Sequence[tuple[Any, NodeResult | Lost]]:
        with self.lock:
            over, self.over = self.over, []
        return over

    def _node(self, request: ResourceRequest) -> str:
        fit = [node for node in self.nodes if node not in request.avoid]
        return fit[self.count % len(fit)]

    def _do(self, ticket: int, task: NodeTask, shop: WorkerMemory, node: str) -> None:
        self._tell({"t": "started", "id": task.message["id"], "node": node, "machine": node[:6]})
        kind = task.message["kind"]
        if f"break:{kind}" in self._commands():
            self._come_back(ticket, Lost(f"broken on {node[:6]}"))
        elif f"fail:{kind}" in self._commands():
            self._come_back(ticket, NodeResult(error=FileTrouble("/x", f"no such drive on {node[:6]}").to_wire()))
        else:
            self._come_back(ticket, do(shop, task, node, self._tell, lambda chunk: chunk))

    def _commands(self) -> list[str]:
        return self.commands.read_text().split() if self.commands.exists() else []

    def _tell(self, message: Mapping[str, Any]) -> bool:
        with self.lock:
            self.messages.append(message)
        return message["id"] in self.cancelled

    def _come_back(self, ticket: Any, came: NodeResult | Lost) -> None:
        with self.lock:
            if self.open.pop(ticket, None) is not None:
                self.over.append((ticket, came))
        self.wake()

    def _obey(self) -> None:
        for node in [node for node in self.nodes if node[:6] in self._commands()]:
            self.nodes.remove(node)
            with self.lock:
                lost = [ticket for ticket, where in self.open.items() if where == node]
            for ticket in lost:
                self._come_back(ticket, Lost(f"{node[:6]} is gone"))


if __name__ == "__main__":
    from restrip.service.executors.ray.driver import main

    sys.exit(main(ThreadCluster))
