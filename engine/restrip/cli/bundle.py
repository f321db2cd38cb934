"""`restrip doctor --bundle FILE`: what a report of a problem needs, and nothing private.

The bundle has versions, findings, the engine's status and its logs. It has no prompts, no pictures, no names of
footage: job files are left out, paths are cut to their ending, and what stands in a job's files is cut from the logs.
"""

from __future__ import annotations

import contextlib
import io
import json
import platform
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from restrip.cli.output_file import OutputFile
from restrip.client.client import EngineUnreachable, connect
from restrip.client.discovery import state_dir
from restrip.client.privacy import Private

LOGS = "engine.log*"
MOST_LOG_BYTES = 2 << 20
PRIVATE = ("name", "prompt", "negative_prompt", "project", "clients", "jobs")


def write_bundle(path: Path, findings: Sequence[Any]) -> list[str]:
    """Write the zip and return the names of what is in it.

    Raises BadOption when it can't be written, OutputExists when a file of the user's has its name.
    """
    target = OutputFile(path, "file for --bundle")
    contents = {
        "findings.json": json.dumps([asdict(f) for f in findings], indent=1),
        "versions.json": json.dumps(_versions(), indent=1),
        "engine.json": json.dumps(_engine(), indent=1),
    }
    for log in sorted((state_dir() / "run").glob(LOGS)):
        contents[log.name] = _tail(log)
    private = Private(*_jobs())
    contents = {name: "\n".join(map(private.hide, text.split("\n"))) for name, text in contents.items()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in contents.items():
            bundle.writestr(name, text)
    target.write(packed.getvalue())
    return sorted(contents)


def _jobs() -> Iterator[Any]:
    """What all jobs were asked: their words must not be in the bundle."""
    for path in (state_dir() / "jobs").glob("*/job.json"):
        with contextlib.suppress(OSError, ValueError, RecursionError):
            yield json.loads(path.read_bytes())


def _tail(log: Path) -> str:
    try:
        return log.read_bytes()[-MOST_LOG_BYTES:].decode("utf-8", "replace")
    except OSError as error:
        return f"not readable: {error.strerror}"


def _versions() -> dict[str, Any]:
    packages = {(d.metadata["Name"] or "").lower(): d.version for d in metadata.distributions()}
    return {"python": sys.version, "platform": platform.platform(), "packages": dict(sorted(packages.items()))}


def _engine() -> dict[str, Any]:
    try:
        with connect("doctor", start=False) as client:
            status = client.engine_status()
    except EngineUnreachable:
        return {"running": False}
    return {**{name: value for name, value in status.items() if name not in PRIVATE}, "running": True}
