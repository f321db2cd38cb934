"""Files that are whole or not there: written aside, flushed to the disk, renamed.

.1f2e3d4c5b6a-4711-a1b2c3d4e5f6.part ── write ── fsync ── rename ── fsync of the folder

The name tells whose it is: of one target on this machine, by process 4711. Older versions wrote to
NAME.aside-4711-..., which is still found.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import time
import uuid
from contextlib import suppress
from pathlib import Path

_NEW = re.compile(r"\.[0-9a-f]{12}-([0-9]+)-[0-9a-f]{12}\.part")
_OLD = re.compile(r".*\.aside-(?:([0-9]+)(?:-.*)?|.*)")


def aside_of(target: Path) -> Path:
    """A new name beside `target`, a file or a folder, for this process to write to."""
    return target.with_name(f"{_prefix(target)}{os.getpid()}-{uuid.uuid4().hex[:12]}.part")


def is_aside(path: Path) -> bool:
    """Whether this is such a name, of whatever target, process and version."""
    return bool(_NEW.fullmatch(path.name) or _OLD.fullmatch(path.name))


def writer_of(aside: Path, target: Path | None = None) -> int:
    """The process that writes, or wrote, `aside` for `target` on this machine; 0 when it is no such file.

    Without a target for any at all: in a folder that no other machine writes to.
    """
    new, old = _NEW.fullmatch(aside.name), _OLD.fullmatch(aside.name)
    if target is not None:
        new = new if aside.name.startswith(_prefix(target)) else None
        old = old if aside.name.startswith(f"{target.name}.aside-") else None
    found = new or old
    return int(found[1] or 0) if found else 0


def write_whole(target: Path, content: bytes, mode: int = 0o666) -> None:
    """Put a file in place, durable when this returns; what was there stays when it fails. Raises OSError.

    `mode` is what the umask leaves of it, for a file that is new.
    """
    aside = aside_of(target)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace(aside, target)
    except BaseException:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


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
    descriptor = os.open(path, os.O_RDWR if _windows() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Have a folder's names on the disk; Windows has no such call and does it by itself."""
    if _windows():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _prefix(target: Path) -> str:
    named = f"{platform.node()}/{target.name}".encode("utf-8", "surrogateescape")
    return f".{hashlib.sha256(named).hexdigest()[:12]}-"


def _windows() -> bool:
    return os.name == "nt"
