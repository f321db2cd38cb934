"""What the light worker does for order: the cache's size, pruning, and what discarding a job would delete."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from restrip.errors import RestripError
from restrip.jobs.model.plan import Plan
from restrip.jobs.outputs.delivery import sweep_folder
from restrip.jobs.tasks.registry import Assignment
from restrip.storage import json_files


def show_cache(task: Assignment) -> dict[str, Any]:
    """The cache's size; with `prune_mib` the least recently used beyond it goes first, never a protected job's."""
    protected = hashes_of(task.state_dir, task.body["protected_jobs"])
    freed = 0.0
    task.cache.clear_abandoned()
    if task.body.get("prune_mib") is not None:
        freed = task.cache.prune(float(task.body["prune_mib"]), protected)
    usage = task.cache.usage(protected)
    return {
        "folder": str(task.cache.root),
        "entries": usage.entries,
        "mib": round(usage.mib, 3),
        "protected_mib": round(usage.protected_mib, 3),
        "freed_mib": round(freed, 3),
        "limit_mib": task.body.get("limit_mib"),
    }


def discard(task: Assignment) -> dict[str, Any]:
    """List a job's folder and the cached files that no other job uses; with `really` those files are deleted.

    So is what was left half written in the user's folder; what is whole there stays.

    The folder itself is the supervisor's to delete.
    """
    job_id = task.body["job_id"]
    folder = task.state_dir / "jobs" / job_id
    mine = hashes_of(task.state_dir, [job_id]) - hashes_of(task.state_dir, task.body["others"])
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    found += [path for entry in task.cache.folders(mine) for path in sorted(entry.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size for path in found)
    if task.body["really"]:
        task.cache.drop(mine)
        place = (json_files.read_json(folder / "plan.json") or {}).get("folder")
        if isinstance(place, str) and place:
            sweep_folder(task.state_dir, Path(place))
    said = "deleted" if task.body["really"] else "would_delete"
    return {said: [str(path) for path in found[:2000]], "files": len(found), "mib": round(size / 2**20, 3)}


def hashes_of(state_dir: Path, job_ids: Iterable[str]) -> set[str]:
    """The cache keys that the plans of these jobs name."""
    hashes: set[str] = set()
    for job_id in job_ids:
        body = json_files.read_json(state_dir / "jobs" / job_id / "plan.json")
        if body is None:
            continue
        try:
            plan = Plan.from_json(body["plan"])
        except (KeyError, TypeError, ValueError, RestripError):
            continue  # Damaged: the job is planned again when it is resumed.
        hashes |= set(plan.key_hashes)
        hashes |= {
            segment_task.filed(device, baked)
            for segment_task in plan.segment_tasks
            for device in plan.devices
            for baked in (False, True)
        }
    return hashes
