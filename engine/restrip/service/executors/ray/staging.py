"""What jobs need on machines that don't see the engine's files, laid out once for the whole cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from restrip.jobs.cache import Cache
from restrip.jobs.model.plan import Plan
from restrip.jobs.tasks.registry import read_own
from restrip.service.executors.ray import archive
from restrip.service.executors.ray.cluster_api import Cluster
from restrip.service.executors.ray.node import NodeTask
from restrip.storage import json_files

MOST_JOBS = 16
PAPERS = ("job.json", "plan.json")


@dataclass
class _Job:
    """One job's papers and what it reads; `handles` are what was laid out of it."""

    stamp: tuple[tuple[int, int], ...]
    plan: Plan | None
    bundles: tuple[archive.Bundle, ...]
    reads: list[Any]
    papers: list[Any]
    handles: dict[str, list[Any]] = field(default_factory=dict)


class Staging:
    """What the last jobs need. Nothing is laid out before some machine said that it lacks it."""

    def __init__(self, cluster: Cluster, cache: Cache) -> None:
        self.cache = cache
        self._cluster = cluster
        self._jobs: dict[str, _Job] = {}

    def filled(self, task: NodeTask) -> NodeTask:
        """A task with what it takes to do it apart. Raises JobDamaged."""
        job = self._job(Path(task.message["job"]))
        entries = _keys_of(job.plan, task.message)
        handles = {name: job.handles[name] for name in self._names(job, entries) if name in job.handles}
        return replace(
            task,
            job=job.papers,
            reads=job.reads,
            entries=tuple(("keys", key) for key in entries),
            handles=handles,
        )

    def lay_out(self, message: Mapping[str, Any], lacks: Iterable[str]) -> None:
        """What a machine lacks for a task; `filled` names it from then on. Raises JobDamaged, OSError."""
        job = self._job(Path(message["job"]))
        for name in lacks:
            if name not in job.handles:
                job.handles[name] = self._laid_out(job, name)

    def _laid_out(self, job: _Job, name: str) -> list[Any]:
        bundle = next((bundle for bundle in job.bundles if bundle.digest == name), None)
        if bundle is not None:
            return archive.packed(Path(bundle.root), bundle.names, self._cluster.put)
        entry = self.cache.find("keys", name)
        # One that is gone is noticed by the task, which knows what to say.
        return [] if entry is None else archive.packed_folder(entry.folder, self._cluster.put)

    def _names(self, job: _Job, entries: tuple[str, ...]) -> tuple[str, ...]:
        return (*(bundle.digest for bundle in job.bundles), *entries)

    def _job(self, folder: Path) -> _Job:
        stamp = tuple(archive.stamp_of(folder / name) or (0, 0) for name in PAPERS)
        known = self._jobs.pop(str(folder), None)
        if known is None or known.stamp != stamp:
            known = self._looked_at(folder, stamp)
        self._jobs[str(folder)] = known
        for oldest in list(self._jobs)[:-MOST_JOBS]:
            del self._jobs[oldest]
        return known

    def _looked_at(self, folder: Path, stamp: tuple[tuple[int, int], ...]) -> _Job:
        body = read_own(folder / "job.json")
        saved = json_files.read_json(folder / "plan.json")
        plan = Plan.from_json(saved["plan"]) if saved is not None else None
        reads = archive.reads_of(body)
        papers = archive.packed(folder, PAPERS, self._cluster.put)
        return _Job(stamp, plan, reads.bundles, reads.chunks(self._cluster.put), papers)


def _keys_of(plan: Plan | None, message: Mapping[str, Any]) -> tuple[str, ...]:
    """The hashes of the keys that a task reads."""
    if plan is None or message["kind"] != "part":
        return ()
    return tuple(plan.key_hashes[index] for index in plan.segment_tasks[int(message["body"]["part"])].keys)
