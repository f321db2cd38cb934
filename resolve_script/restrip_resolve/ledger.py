"""Which job belongs to which clip: a small file a job, beside the engine's state."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from restrip.client.discovery import state_dir
from restrip.storage.atomic import write_whole


@dataclass(frozen=True)
class Record:
    """A submitted job and where its result goes.

    `anchor` is the absolute frame at which the clip's media frame 0 lay (its start minus its left offset), `offset`
    what has to be added to it for the result's first frame: a clip that was moved takes its result along. `files` are
    the movies that were placed; of two records the one with the greater `order` is newer.
    """

    job_id: str
    project: str
    item: str
    name: str
    track: int
    anchor: int
    offset: int
    spec: Mapping[str, Any] = field(default_factory=dict)
    rendered: str = ""
    order: int = 0
    files: tuple[str, ...] = ()


def folder() -> Path:
    """Where the records are."""
    return state_dir() / "resolve" / "jobs"


def remember(record: Record) -> None:
    """Write a record, whole or not at all."""
    folder().mkdir(parents=True, exist_ok=True)
    write_whole(folder() / f"{record.job_id}.json", json.dumps(asdict(record)).encode())


def recall(job_id: str) -> Record | None:
    """The record of a job, if this machine submitted it."""
    return _read(folder() / f"{job_id}.json")


def forget(job_id: str) -> None:
    """Delete the record of a job that is no more."""
    (folder() / f"{job_id}.json").unlink(missing_ok=True)


def latest(project: str) -> dict[str, Record]:
    """The newest record of each clip of a timeline, by the item's id."""
    return {record.item: record for record in all_of(project)}


def all_of(project: str) -> list[Record]:
    """All records of a timeline, the oldest first."""
    records = (_read(path) for path in folder().glob("*.json"))
    found = [record for record in records if record is not None and record.project == project]
    return sorted(found, key=lambda record: (record.order, record.job_id))


def files_of(project: str) -> dict[str, str]:
    """The job that made each file which was placed on a timeline, by the file's normal path."""
    return {normal(file): record.job_id for record in all_of(project) for file in record.files}


def normal(path: str) -> str:
    """A path in the one form in which two of them can be compared; "" for none."""
    return os.path.normcase(os.path.normpath(path)) if path else ""


def _read(path: Path) -> Record | None:
    try:
        body = json.loads(path.read_text("utf-8"))
        known = {name: body[name] for name in Record.__dataclass_fields__ if name in body}
        return Record(**{**known, "files": tuple(known.get("files", ()))})
    except (OSError, ValueError, TypeError):
        return None
