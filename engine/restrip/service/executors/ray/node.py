"""A task on a machine of a cluster: in the engine's folders when they are seen from there, else in a folder of its own.

auto    the engine's folder and all that the job reads are found under the same paths:  nothing travels
        something isn't:  it is sent once a node, the task works in a folder of its own, what it made is sent back
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restrip import __version__
from restrip.client import discovery
from restrip.errors import Cancelled, RestripError
from restrip.jobs.cache import KINDS, Cache
from restrip.jobs.references import spec_in
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.remote.tasks import TASKS
from restrip.service.executors.ray import archive
from restrip.storage import json_files

REPORT_GAP_S = 0.5
FORGET_S = 7 * 24 * 3600.0
Tell = Callable[[Mapping[str, Any]], bool]
Open = Callable[[Any], bytes]


class NodeDiffers(RestripError):
    """A machine of the cluster has another version of Restrip than the engine."""

    code = "node-differs"

    def __init__(self, theirs: str) -> None:
        super().__init__(
            f"The engine is Restrip {theirs}, this machine of the cluster has {__version__}.",
            "Install the same version on every machine of the cluster.",
        )


@dataclass(frozen=True)
class NodeTask:
    """A task as it travels. `message` is what a worker gets. `mode` is "here" on the engine's own machine, else "yes",
    "no" or "auto" as for whether folders are shared; `token` is (path, content) of a file in the engine's folder.

    `job` is the chunks of job.json and plan.json, `reads` those of what the job reads (an archive.Reads), `entries` the
    (kind, hash) in the cache that the task reads. `handles` lead to the chunks of bundles and entries, by digest and
    hash, as far as they were laid out.
    """

    message: Mapping[str, Any]
    mode: str
    token: tuple[str, str]
    version: str = __version__
    job: Sequence[Any] = ()
    reads: Sequence[Any] = ()
    entries: tuple[tuple[str, str], ...] = ()
    handles: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeResult:
    """What comes back: a result or an error (as on the wire), or what is missing (`lacks`, digests of bundles).

    `made` are new cache entries as (kind, hash, chunks); `left` the chunks of the files in the job's result folder.
    """

    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    crash: str = ""
    lacks: tuple[str, ...] = ()
    made: tuple[tuple[str, str, list[bytes]], ...] = ()
    left: tuple[bytes, ...] = ()
    loaded: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


class NodeReporter:
    """What a task tells of itself: twice a second, and always when the phase changes. `tell` says whether to stop."""

    def __init__(self, tell: Tell, task_id: str) -> None:
        self._tell, self._task_id = tell, task_id
        self._last, self._phase = 0.0, ""

    def __call__(self, phase: str, done: int, total: int, **more: Any) -> None:
        """Send progress. Raises Cancelled when the task was asked to stop."""
        now = time.monotonic()
        if phase == self._phase and now - self._last < REPORT_GAP_S and "preview" not in more:
            return
        self._last, self._phase = now, phase
        message = {"t": "progress", "id": self._task_id, "phase": phase, "done": done, "total": total, **more}
        if self._tell(message):
            raise Cancelled


def machine_name(node_id: str) -> str:
    """How a machine is called in messages to people, with as much of its id as tells it from others."""
    return f"{socket.gethostname()} ({node_id[:8]})"


def do(shop: WorkerMemory, task: NodeTask, node_id: str, tell: Tell, open_chunk: Open) -> NodeResult:
    """Do a task on this node. An error that is no RestripError comes back as a crash: this process should end."""
    # One task a core: libraries that would take all cores get theirs alone. They read this when they are loaded.
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        os.environ.setdefault(variable, "1")
    report = NodeReporter(tell, task.message["id"])
    try:
        if task.version != __version__:
            raise NodeDiffers(task.version)
        if task.mode in ("here", "yes"):
            result = run_task(shop, task.message, report, TASKS)
            return NodeResult(result=result, loaded=shop.loaded, facts=shop.facts())
        reads = archive.Reads.from_chunks(map(open_chunk, task.reads))
        if task.mode == "auto" and _same_folders(task, reads):
            result = run_task(shop, task.message, report, TASKS)
            return NodeResult(result=result, loaded=shop.loaded, facts=shop.facts())
        return _Apart(shop, task, reads, node_folder(node_id), open_chunk).run(report)
    except RestripError as error:
        return NodeResult(error=error.to_wire(), loaded=shop.loaded)
    except Exception as error:  # noqa: BLE001
        # Whatever it is, the engine is told; Ray would hand on the exception's class, which may not be there.
        return NodeResult(crash=f"{type(error).__name__}: {error}")


def node_folder(node_id: str) -> Path:
    """This node's folder; those of nodes of the past are cleared away after a week: they held copies only."""
    nodes = discovery.private_folder(discovery.state_dir() / "nodes")
    own = nodes / node_id[:16]
    if not own.is_dir():
        own.mkdir(exist_ok=True, mode=0o700)
        for other in nodes.iterdir():
            used = archive.stamp_of(other)
            if other != own and used is not None and time.time() - used[1] / 1e9 > FORGET_S:
                json_files.remove(other)
    os.utime(own)  # In use.
    return own


def _same_folders(task: NodeTask, reads: archive.Reads) -> bool:
    path, content = task.token
    try:
        seen = Path(path).read_text("utf-8")
    except OSError:
        return False
    return seen == content and all(bundle.same_here() for bundle in reads.bundles)


class _Apart:
    """A task on a node that doesn't see the engine's files."""

    def __init__(
        self, shop: WorkerMemory, task: NodeTask, reads: archive.Reads, folder: Path, open_chunk: Open
    ) -> None:
        self.shop, self.task, self.reads, self.open = shop, task, reads, open_chunk
        self.files = folder / "files"
        self.state = folder / "tasks" / task.message["id"]
        self.job = self.state / "jobs" / Path(task.message["job"]).name

    def run(self, report: NodeReporter) -> NodeResult:
        """Bring here what is missing, do it, pack what it made."""
        here = {bundle.digest for bundle in self.reads.bundles if self._is_here(bundle)}
        read = [*(bundle.digest for bundle in self.reads.bundles), *(key for _, key in self.task.entries)]
        lacks = [name for name in read if name not in here and name not in self.task.handles]
        if lacks:
            return NodeResult(lacks=tuple(lacks))
        try:
            roots = self._lay_out()
            given = {key for _, key in self.task.entries}
            message = {**self.task.message, "job": str(self.job), "state_dir": str(self.state)}
            result = run_task(self.shop, message, report, TASKS)
            return self._packed(result, given, {**roots, self.task.message["job"]: str(self.job)})
        finally:
            json_files.remove(self.state)

    def _is_here(self, bundle: archive.Bundle) -> bool:
        return (self.files / bundle.digest).is_dir() or (self.task.mode == "auto" and bundle.same_here())

    def _lay_out(self) -> dict[str, str]:
        """The job's folder and the cache as the task expects them, with the paths of this machine: by root there."""
        roots = {bundle.root: self._root(bundle) for bundle in self.reads.bundles}
        self.job.mkdir(parents=True, mode=0o700)
        archive.unpacked(map(self.open, self.task.job), self.job)
        body = archive.moved(json_files.read_json(self.job / "job.json") or {}, self.reads, roots)
        json_files.write_json(self.job / "job.json", body)
        saved = json_files.read_json(self.job / "plan.json")
        if saved is not None:
            saved["plan"] = archive.moved_plan(saved["plan"], spec_in(body), self.reads, roots)
            json_files.write_json(self.job / "plan.json", saved)
        (self.job / "result").mkdir(exist_ok=True)
        for kind, key in self.task.entries:
            if self.task.handles[key]:
                archive.take_entry(Cache(self.state), kind, key, map(self.open, self.task.handles[key]))
        return roots

    def _root(self, bundle: archive.Bundle) -> str:
        if self.task.mode == "auto" and bundle.same_here():
            return bundle.root
        chunks = map(self.open, self.task.handles.get(bundle.digest, ()))
        return str(archive.put_in_place(chunks, self.files / bundle.digest))

    def _packed(self, result: Mapping[str, Any], given: set[str], roots: Mapping[str, str]) -> NodeResult:
        made = []
        for kind in KINDS:
            for folder in sorted((self.state / "cache" / kind).glob("??/*")):
                if folder.name not in given:
                    facts = json_files.read_json(folder / "facts.json") or {}
                    json_files.write_json(folder / "facts.json", archive.brought_home(facts, roots))
                    made.append((kind, folder.name, archive.packed_folder(folder, bytes)))
        left = archive.packed_folder(self.job / "result", bytes)
        home = archive.brought_home(result, roots)
        return NodeResult(home, made=tuple(made), left=tuple(left), loaded=self.shop.loaded, facts=self.shop.facts())
