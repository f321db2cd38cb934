"""Files that came from another computer, each under the sha256 of what it belongs to.

<state>/received/<sha256 of the file, or of the folder's list>/clip.mov
                                                              /clip.mov.part-ab12...   until it is whole
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput, RestripError
from restrip.jobs import files
from restrip.media.files import DiskFull
from restrip.timeline.aside import replace, sync_file, sync_folder

KEPT_S = 14 * 24 * 3600.0
"""What nobody asked for during this time is deleted."""

SPARE_BYTES = 1 << 30
ENDS_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORBIDDEN = re.compile(r'[\x00-\x1f\\:*?"<>|]')
MOST_DEEP = 8


class BadFile(BadInput):
    """A file that can't be taken in."""

    code = "bad-file"

    def __init__(self, what: str) -> None:
        super().__init__(what, "See docs/protocol.md, 'Files of other computers'.")


class FileChanged(RestripError):
    """A file isn't what its sha256 said: it changed while it was being sent."""

    code = "file-changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} changed while it was being sent.", "Resume the job when nothing writes to it.")


@dataclass(frozen=True)
class Offered:
    """A file as it is offered: `group` is its own sha256, or for one of a folder the folder's, in which its `name` may
    have folders of its own ("unet/config.json").
    """

    group: str
    name: str
    size: int
    sha256: str

    @classmethod
    def read(cls, body: dict[str, Any]) -> Offered:
        """Out of a request. Raises BadFile."""
        group, name, size, sha256 = (body.get(field) for field in ("group", "name", "size", "sha256"))
        if not all(isinstance(text, str) and _SHA256.fullmatch(text) for text in (group, sha256)):
            raise BadFile("A file is offered with its sha256 and its group's.")
        if not isinstance(name, str) or not _may_be_name(name):
            raise BadFile(f"{str(name)[:80]!r} can't be a file's name here.")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise BadFile("A file's size is a number of bytes.")
        return cls(str(group), name, size, str(sha256))


class Received:
    """The shelf of received files under a state folder."""

    def __init__(self, state_dir: Path) -> None:
        self.root = state_dir / "received"

    def folder(self, file: Offered) -> Path:
        """The folder of its group."""
        return self.root / file.group

    def path(self, file: Offered) -> Path:
        """Where it lies when it is whole."""
        return self.folder(file) / file.name

    def has(self, file: Offered) -> bool:
        """Whether it is here and whole; then its time begins anew."""
        path = self.path(file)
        if not path.is_file() or path.stat().st_size != file.size:
            return False
        os.utime(self.folder(file))
        return True

    def offset(self, file: Offered) -> int:
        """How many bytes of it came already. Raises DiskFull when the rest has no room."""
        part = self._part(file)
        there = part.stat().st_size if part.is_file() else 0
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self.root).free < file.size - there + SPARE_BYTES:
            raise DiskFull(str(self.root))
        return there

    def add(self, file: Offered, offset: int, data: bytes) -> int:
        """Write a piece if it is the next one. Returns how many bytes are here now. Raises BadFile."""
        part = self._part(file)
        part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        there = part.stat().st_size if part.is_file() else 0
        if offset != there:
            return there
        if there + len(data) > file.size:
            raise BadFile(f"{file.name} has more bytes than were offered.")
        with open(part, "ab") as out:
            out.write(data)
        return there + len(data)

    def keep(self, file: Offered) -> Path:
        """Put a file in place that came whole. Raises FileChanged, and then it has to be sent again."""
        if self.has(file):
            return self.path(file)
        part = self._part(file)
        if not part.is_file() or part.stat().st_size != file.size or files.file_sha256(part) != file.sha256:
            part.unlink(missing_ok=True)
            raise FileChanged(file.name)
        sync_file(part)
        replace(part, self.path(file))
        sync_folder(part.parent)
        return self.path(file)

    def prune(self, older_than_s: float = KEPT_S) -> None:
        """Delete what nobody offered or used for long."""
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            if time.time() - folder.stat().st_mtime > older_than_s:
                files.remove(folder)

    def _part(self, file: Offered) -> Path:
        return self.root / file.group / f"{file.name}.part-{file.sha256[:16]}"


def _may_be_name(name: str) -> bool:
    """Whether this is a relative path that stays inside its folder on every system."""
    parts = name.split("/")
    sound = all(part and not part.startswith(".") and part.strip() == part for part in parts)
    return sound and len(parts) <= MOST_DEEP and len(name) <= 400 and not _FORBIDDEN.search(name)


def ends_sha256(path: Path) -> str:
    """sha256 of a file's size, first and last MiB: enough to see that two paths mean the same file."""
    size = path.stat().st_size
    seen = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        seen.update(file.read(ENDS_BYTES))
        file.seek(max(0, size - ENDS_BYTES))
        seen.update(file.read(ENDS_BYTES))
    return seen.hexdigest()
