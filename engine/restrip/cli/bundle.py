"""`restrip doctor --bundle FILE`: what a report of a problem needs, and nothing private.

The bundle has versions, findings, the engine's status and its logs. It has no prompts, no pictures, no names of
footage: job files are left out, and paths in logs are cut to their last part's ending.
"""

from __future__ import annotations

import json
import platform
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from restrip.cli.options import BadOption
from restrip.link.client import EngineUnreachable, connect
from restrip.link.discovery import state_dir

LOGS = "engine.log*"
MOST_LOG_BYTES = 2 << 20
# From where a path may begin to the line's last separator and what follows it: folders may have blanks in their
# names, so too much is cut rather than too little.
_PATH = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[\\/][^\n'\"]*[\\/][^\\/\s'\":,;]*")
PRIVATE = ("name", "prompt", "negative_prompt", "project", "clients", "jobs")


def write_bundle(path: Path, findings: Sequence[Any]) -> list[str]:
    """Write the zip and return the names of what is in it. Raises BadOption when it can't be written."""
    contents = {
        "findings.json": json.dumps([asdict(f) for f in findings], indent=1),
        "versions.json": json.dumps(_versions(), indent=1),
        "engine.json": json.dumps(_engine(), indent=1),
    }
    for log in sorted((state_dir() / "run").glob(LOGS)):
        contents[log.name] = without_paths(_tail(log))
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in contents.items():
                bundle.writestr(name, without_paths(text))
    except OSError as error:
        raise BadOption(f"{path} can't be written: {error.strerror}.", "Choose another file for --bundle.") from None
    return sorted(contents)


def without_paths(text: str) -> str:
    """The text with every path cut down to <path> and its suffix, so that names of people and footage don't show."""
    return _PATH.sub(lambda found: "<path>" + Path(found.group().replace("\\", "/")).suffix[:8], text)


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
    return {"running": True, **{name: value for name, value in status.items() if name not in PRIVATE}}
