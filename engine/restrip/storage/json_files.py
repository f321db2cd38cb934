"""The engine's own files: JSON that is whole or not there, hashes, and clearing away."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from restrip.storage.atomic import is_aside, write_whole

PIECE_BYTES = 4 << 20


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted, without spaces. Equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """sha256 of a JSON value, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def file_sha256(path: Path, life: Callable[[], None] = lambda: None) -> str:
    """sha256 of a file's content, in hexadecimal digits. `life` is called after each block that was read."""
    seen = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(PIECE_BYTES):
            seen.update(piece)
            life()
    return seen.hexdigest()


def write_json(path: Path, value: Mapping[str, Any], mode: int = 0o600) -> None:
    """Put a JSON file in place, durable when this returns."""
    write_whole(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n", mode)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def remove_asides(folder: Path) -> None:
    """Remove files that a crash left half written in a folder of the engine's own."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if is_aside(path):
            remove(path)


def remove(path: Path) -> None:
    """Delete a file or a whole folder of the engine's own, if it is there; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
