"""Tasks for a guest, a computer that uses this engine, that read files; the light worker runs them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.client.job import Manifest
from restrip.jobs.tasks.registry import Assignment, read_own
from restrip.media.files import MediaUnreadable, open_regular
from restrip.remote.guest_vetting import may_name
from restrip.remote.upload_store import OfferedFile, UploadStore, ends_sha256
from restrip.storage import json_files

PAGE = 1000
"""Files in one reply: each takes some hundred bytes of a message."""


def keep_file(task: Assignment) -> dict[str, Any]:
    """Put a completely received file in place: {"path", "folder"}. Raises FileChanged."""
    store, file = UploadStore(task.state_dir, task.body["guest"]), codec.read(OfferedFile, task.body["file"])
    path = store.keep(file, lambda: task.report("reading", 0, 0))
    return {"path": str(path), "folder": str(store.folder(file))}


def locate(task: Assignment) -> dict[str, Any]:
    """Whether a path names the same file here, compared by its size and ends: {"same"}."""
    path = Path(task.body["path"])
    try:
        may = path.is_absolute() and may_name(task.state_dir, task.body["guest"], str(path))
        return {"same": may and ends_sha256(path) == task.body["ends"]}
    except (OSError, ValueError, MediaUnreadable):
        return {"same": False}


def list_results(task: Assignment) -> dict[str, Any]:
    """The files of a finished job from the `skip`-th on: {"files": [{"path", "name", "size", "sha256"}], "more"}."""
    skip = int(task.body["skip"])

    def live() -> None:
        task.report("reading", 0, 0)

    found = sorted(set(_results(task.state_dir / "jobs" / task.body["job_id"], task.body.get("result"))))
    page = [
        {
            "path": str(path),
            "name": path.name,
            "size": path.stat().st_size,
            "sha256": json_files.file_sha256(path, live),
        }
        for path in found[skip : skip + PAGE]
    ]
    return {"files": page, "more": skip + len(page) < len(found)}


def read_piece(task: Assignment) -> dict[str, Any]:
    """`bytes` bytes of a result's file from `offset` on, fewer at its end: {"data": Base64}. Raises MediaUnreadable."""
    with open_regular(task.body["path"]) as file:
        file.seek(task.body["offset"])
        return {"data": base64.b64encode(file.read(task.body["bytes"])).decode()}


def _results(job: Path, result: dict[str, Any] | None) -> Iterator[Path]:
    """Every file that a job's manifest names, and the manifest; of seeds the sheet, the source and the pictures."""
    if result is not None:
        yield Path(result["sheet"])
        yield Path(result["source"])
        yield from (Path(picture["file"]) for picture in result["pictures"])
        return
    body = read_own(job / "manifest.json")
    yield job / "manifest.json"
    manifest = Manifest.from_json(body)
    named = [*(strip.file for strip in manifest.strips), *(key.picture for key in manifest.keys), manifest.baked]
    for path in (Path(name) for name in named if name):
        yield from sorted(inner for inner in path.iterdir() if inner.is_file()) if path.is_dir() else [path]
