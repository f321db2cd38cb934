"""Files that are whole or not there: written aside, flushed to the disk, renamed.

name.tmp-1234 ── write ── fsync ── rename ── fsync of the folder
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ASIDE = ".aside-"


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted, without spaces. Equal values have equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """sha256 of a JSON value, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def file_sha256(path: Path) -> str:
    """sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a whole file in place, durable when this returns."""
    aside = path.with_name(f"{path.name}{ASIDE}{os.getpid()}-{uuid.uuid4().hex[:8]}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def writer_of(aside: Path) -> int:
    """The process that wrote such a file; 0 when it is none."""
    pid = aside.name.partition(ASIDE)[2].partition("-")[0]
    return int(pid) if pid.isascii() and pid.isdigit() else 0


def write_json(path: Path, value: Mapping[str, Any], mode: int = 0o600) -> None:
    """Put a JSON file in place, durable when this returns."""
    write_bytes(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False).encode() + b"\n", mode)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None when there is none that can be read."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def replace(source: Path, target: Path) -> None:
    """Rename over what is there. On Windows a reader may hold it for a moment: try for two seconds."""
    for attempt in range(20):
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not _windows() or attempt == 19:
                raise
            time.sleep(0.1)


def sync_file(path: Path) -> None:
    """Have a file's content on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Have a folder's names on the disk; Windows has no such call and does it by itself."""
    if not _posix():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_asides(folder: Path) -> None:
    """Clear away what a crash left half written in a folder of the engine's own."""
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if ASIDE in path.name:
            remove(path)


def remove(path: Path) -> None:
    """Delete a file or a whole folder of the engine's own, if it is there; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _posix() -> bool:
    return os.name == "posix"


def _windows() -> bool:
    return os.name == "nt"
