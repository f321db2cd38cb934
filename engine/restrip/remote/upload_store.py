"""Files received from other computers. Each sender has a folder of its own and cannot see another sender's files.

<state>/received/<whose>/files/<sha256 of the file, or of the folder's list>/clip.mov
                        /sums/<the same>/clip.mov.sha256     as it was found to be when the last chunk was there
                        /parts/<sha256>               until it is whole
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.errors import BadInput, RestripError
from restrip.media.files import DiskFull, open_regular
from restrip.storage import json_files
from restrip.storage.atomic import replace, sync_file, sync_folder

KEPT_S = 14 * 24 * 3600.0
"""Files that were not used during this time are deleted."""

SPARE_BYTES = 1 << 30
ENDS_BYTES = 1 << 20
BLOCK_BYTES = 4096
OWN = "own"
"""The folder of files that this computer fetched for itself."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORBIDDEN = re.compile(r'[\x00-\x1f\\:*?"<>|]')
MOST_DEEP = 8


class BadFile(BadInput):
    """A file that can't be received."""

    code = "bad-file"

    def __init__(self, what: str) -> None:
        super().__init__(what, "See docs/protocol.md, 'Files of other computers'.")


class FileChanged(RestripError):
    """A file's content doesn't match its sha256: it changed while it was sent."""

    code = "file-changed"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} changed while it was being sent.", "Resume the job when nothing writes to it.")


@dataclass(frozen=True)
class OfferedFile:
    """A file as it is offered: `group` is its own sha256, or for one of a folder the folder's, in which its `name` may
    have folders of its own ("unet/config.json").
    """

    group: str
    name: str
    size: int
    sha256: str

    @classmethod
    def read(cls, body: dict[str, Any]) -> OfferedFile:
        """Out of a request. Raises BadFile."""
        made = codec.read(cls, body, lambda why: BadFile(f"The file that is offered can't be read: {why}."))
        if not all(_SHA256.fullmatch(text) for text in (made.group, made.sha256)):
            raise BadFile("A file is offered with its sha256 and its group's.")
        if not _may_be_name(made.name):
            raise BadFile(f"{made.name[:80]!r} can't be a file's name here.")
        if made.size < 0:
            raise BadFile("A file's size is a number of bytes.")
        return made


class UploadStore:
    """The files of one sender, `whose`, under a state folder; "" for files that this computer fetched itself. `name` is
    that of its folder.
    """

    def __init__(self, state_dir: Path, whose: str = "", name: str = "") -> None:
        self.name = name or store_name(whose)
        self.root = state_dir / "received" / self.name

    def folder(self, file: OfferedFile) -> Path:
        """The folder of its group."""
        return self.root / "files" / file.group

    def path(self, file: OfferedFile) -> Path:
        """Where it lies when it is whole."""
        return self.folder(file) / file.name

    def has(self, file: OfferedFile) -> bool:
        """Whether the file is here, complete, with this content; this counts as a use."""
        path = self.path(file)
        if not path.is_file() or path.stat().st_size != file.size or _text_of(self._sum(file)) != file.sha256:
            return False
        os.utime(self.folder(file))
        return True

    def begun(self, file: OfferedFile) -> bool:
        """Whether any chunk of it was received, even an empty one."""
        return self._part(file).is_file()

    def there(self, file: OfferedFile) -> int:
        """How many bytes of it were received so far."""
        part = self._part(file)
        return part.stat().st_size if part.is_file() else 0

    def offset(self, file: OfferedFile) -> int:
        """How many bytes of it came already. Raises DiskFull when the rest has no room."""
        there = self.there(file)
        self._check_room(file.size - there)
        return there

    def add(self, file: OfferedFile, offset: int, data: bytes) -> int:
        """Append a chunk if it is the next one; returns how many bytes are here now. Raises BadFile, DiskFull."""
        there = self.there(file)
        if offset != there:
            return there
        if there + len(data) > file.size:
            raise BadFile(f"{file.name} has more bytes than were offered.")
        self._check_room(len(data))
        part = self._part(file)
        part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(part, "ab") as out:
            out.write(data)
        return there + len(data)

    def keep(self, file: OfferedFile, life: Callable[[], None] = lambda: None) -> Path:
        """Put a completely received file in place. Raises FileChanged; the file has to be sent again.

        `life` is called now and then while the file is read.
        """
        if self.has(file):
            return self.path(file)
        part = self._part(file)
        whole = part.with_suffix(".whole")
        if part.is_file():
            replace(part, whole)  # No chunk that still comes is added to what is checked now.
        sound = whole.is_file() and whole.stat().st_size == file.size
        if not sound or json_files.file_sha256(whole, life) != file.sha256:
            whole.unlink(missing_ok=True)
            raise FileChanged(file.name)
        path, known = self.path(file), self._sum(file)
        for target in (path, known):
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        known.unlink(missing_ok=True)
        sync_file(whole)
        replace(whole, path)
        sync_folder(path.parent)
        # Last: a content is never known before it is there.
        known.write_text(file.sha256, "ascii")
        return path

    def bytes_used(self, group: str = "", life: Callable[[], None] = lambda: None) -> int:
        """What all of it, or one group, takes on the disk."""
        found = 0
        for root in [self.root / "files" / group] if group else [self.root / "files", self.root / "parts"]:
            for folder, _, names in os.walk(root):
                life()
                for name in names:
                    with suppress(OSError):
                        found += room_of(os.lstat(os.path.join(folder, name)).st_size)
        return found

    def drop(self, group: str) -> None:
        """Delete a group's files."""
        json_files.remove(self.root / "files" / group)
        json_files.remove(self.root / "sums" / group)

    def groups(self) -> list[tuple[float, str]]:
        """When each group was last asked for, the oldest first."""
        folder = self.root / "files"
        return sorted((path.stat().st_mtime, path.name) for path in (folder.iterdir() if folder.is_dir() else ()))

    def prune(self, older_than_s: float = KEPT_S) -> None:
        """Delete files that were not offered or used for long."""
        for used, group in self.groups():
            if time.time() - used > older_than_s:
                self.drop(group)
        parts = self.root / "parts"
        for part in parts.iterdir() if parts.is_dir() else ():
            if time.time() - part.stat().st_mtime > older_than_s:
                json_files.remove(part)

    def _check_room(self, more: int) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        if shutil.disk_usage(self.root).free < more + SPARE_BYTES:
            raise DiskFull(str(self.root))

    def _part(self, file: OfferedFile) -> Path:
        return self.root / "parts" / file.sha256

    def _sum(self, file: OfferedFile) -> Path:
        return self.root / "sums" / file.group / f"{file.name}.sha256"


def store_name(whose: str) -> str:
    """The name of the folder of a sender's files."""
    return f"of-{hashlib.sha256(whose.encode()).hexdigest()[:32]}" if whose else OWN


def prune_all(state_dir: Path, older_than_s: float = KEPT_S) -> None:
    """Delete files of all senders that were not offered or used for long, those of older versions too."""
    root = state_dir / "received"
    for folder in root.iterdir() if root.is_dir() else ():
        if folder.name == OWN or folder.name.startswith("of-"):
            UploadStore(state_dir, name=folder.name).prune(older_than_s)
        elif time.time() - folder.stat().st_mtime > older_than_s:
            json_files.remove(folder)


def room_of(size: int) -> int:
    """What a file of so many bytes takes on a disk: whole blocks, and one at least."""
    return max(1, -(-size // BLOCK_BYTES)) * BLOCK_BYTES


def _text_of(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, ValueError):
        return ""


def _may_be_name(name: str) -> bool:
    """Whether this is a relative path that stays inside its folder on every system."""
    parts = name.split("/")
    sound = all(part and not part.startswith(".") and part.strip() == part for part in parts)
    return sound and len(parts) <= MOST_DEEP and len(name) <= 400 and not _FORBIDDEN.search(name)


def ends_sha256(path: Path) -> str:
    """sha256 of a file's size, first and last MiB: enough to see that two paths mean the same file.

    Raises MediaUnreadable for what is no file on a disk, OSError.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        seen = hashlib.sha256(str(size).encode())
        seen.update(file.read(ENDS_BYTES))
        file.seek(max(0, size - ENDS_BYTES))
        seen.update(file.read(ENDS_BYTES))
    return seen.hexdigest()
