"""Names for files that are being written: beside their target, and telling whose they are.

.1f2e3d4c5b6a-4711-a1b2c3d4e5f6.part      of one target on this machine, by process 4711
"""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from pathlib import Path


def aside_of(target: Path) -> Path:
    """A new name beside `target` for this process to write to."""
    return target.with_name(f"{_prefix(target)}{os.getpid()}-{uuid.uuid4().hex[:12]}.part")


def writer_of(aside: Path, target: Path) -> int:
    """The process that writes, or wrote, `aside` for `target` on this machine; 0 when it is no such file."""
    if not aside.name.startswith(_prefix(target)) or not aside.name.endswith(".part"):
        return 0
    pid = aside.name.removeprefix(_prefix(target)).partition("-")[0]
    return int(pid) if pid.isascii() and pid.isdigit() else 0


def _prefix(target: Path) -> str:
    named = f"{platform.node()}/{target.name}".encode("utf-8", "surrogateescape")
    return f".{hashlib.sha256(named).hexdigest()[:12]}-"
