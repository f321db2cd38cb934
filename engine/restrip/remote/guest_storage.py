"""Guests' stored files, as a worker maintains them: how much they take, and freeing room."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from restrip.jobs.tasks.registry import Assignment
from restrip.remote.upload_store import OWN, UploadStore
from restrip.storage import json_files

YOUNG_S = 24 * 3600.0
"""What was asked for during this time isn't given up for something new: it may belong to a job that is on its way."""
_GROUP = re.compile(r"[0-9a-f]{64}")


def measure(task: Assignment) -> dict[str, Any]:
    """Bytes that each guest's files take: {"used": {name: bytes}}; with "shelf", of that guest alone."""
    root = task.state_dir / "received"
    only = task.body.get("shelf")
    names = [only] if only else [path.name for path in (root.iterdir() if root.is_dir() else ()) if path.name != OWN]
    return {
        "used": {name: UploadStore(task.state_dir, name=name).bytes_used(life=lambda: _live(task)) for name in names}
    }


def make_room(task: Assignment) -> dict[str, Any]:
    """Delete the files that a guest sent longest ago and no unfinished job names, until at most `leave` bytes are used.

    As `measure`.
    """
    store = UploadStore(task.state_dir, name=task.body["shelf"])
    needed = _named(task.state_dir, task.body["jobs"])
    used = store.bytes_used(life=lambda: _live(task))
    for asked, group in store.groups():
        if used <= task.body["leave"] or time.time() - asked < YOUNG_S:
            break
        if group not in needed:
            used -= store.bytes_used(group)
            store.drop(group)
    return {"used": {store.name: used}}


def drop_shelves(task: Assignment) -> dict[str, Any]:
    """Delete the files of former guests."""
    for name in task.body["shelves"]:
        json_files.remove(UploadStore(task.state_dir, name=name).root)
    return {}


def _named(state_dir: Path, job_ids: Iterable[str]) -> set[str]:
    """The groups that jobs name."""
    found: set[str] = set()
    for job_id in job_ids:
        body = json_files.read_json(state_dir / "jobs" / job_id / "job.json")
        found |= set(_GROUP.findall(json_files.canonical(body).decode())) if body else set()
    return found


def _live(task: Assignment) -> None:
    task.report("reading", 0, 0)
