"""Whether a file is still the one that it was: a quick stamp, and a hash of its content that is kept by that stamp.

    stamp     size, times of change, inode           one `stat` a file: nothing is read
    content   sha256 of all of it                    up to WHOLE_BYTES in all, pictures, and whatever is asked for whole
              sha256 of samples spread over it       larger movies and sequences

A file that was replaced by another of the same size and time of change has another stamp, because no program sets the
inode's own time; so its content is hashed again. Samples miss a change that lies between two of them: for sampled files
the time of change counts too (`Content.key`).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from restrip.client.discovery import state_dir
from restrip.codec import as_row
from restrip.media.files import MediaMissing, MediaUnreadable, lies_on_a_disk, no_file, open_regular
from restrip.storage.atomic import write_whole

WHOLE_BYTES = 256 << 20
SAMPLED_BYTES = 64 << 20
CHUNK_BYTES = 256 << 10
LEAST_CHUNK_BYTES = 4 << 10

KEPT_FROM_BYTES = 1 << 20
"""Smaller ones are read again sooner than looked up."""
MOST_KEPT = 4000
SETTLED_NS = 2 * 10**9
"""What was changed less than this ago may change again within one tick of the file system's clock."""


@dataclass(frozen=True)
class Stamp:
    """What a `stat` tells of some files: `data` moves when what is in them is written, `place` when they are replaced,
    renamed, or their rights are changed. `size` is in bytes, all together; `changed_ns` the latest time of change.
    """

    data: str
    place: str
    size: int
    changed_ns: int

    @property
    def text(self) -> str:
        """All of it in one word."""
        return f"{self.data}.{self.place}"


@as_row
@dataclass(frozen=True)
class Content:
    """What is in some files: `sha256`, of samples only when `times`, a digest of their times of change, isn't ""."""

    sha256: str
    times: str = ""

    @property
    def key(self) -> str:
        """What stands for this content in the hashes of what is made from it."""
        return _digest([self.sha256, self.times]) if self.times else self.sha256


def stamp_of(paths: Sequence[str | os.PathLike[str]]) -> Stamp:
    """The stamp of regular files. Raises MediaMissing, MediaUnreadable."""
    seen = [_stat(os.fspath(path)) for path in paths]
    return Stamp(
        data=_digest([[s.st_size, s.st_mtime_ns] for s in seen])[:32],
        place=_digest([[s.st_ctime_ns, s.st_ino] for s in seen])[:32],
        size=sum(s.st_size for s in seen),
        changed_ns=max((max(s.st_mtime_ns, s.st_ctime_ns) for s in seen), default=0),
    )


class HashBook:
    """Hashes of files by content, kept by path and stamp in a file of the engine's, so that a file is read once.

    Several processes may use it at once: the last one to write may drop what another has just added.
    """

    _seen: dict[str, list[str]] = {}  # noqa: RUF012  what this process knows, whichever book it asks

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_dir() / "content-hashes.json"

    def of_file(self, path: str | os.PathLike[str]) -> str:
        """The sha256 of a whole file, 64 hexadecimal digits. Raises MediaMissing, MediaUnreadable."""
        return self.of([path], whole=True).sha256

    def of_files(self, paths: Sequence[str | os.PathLike[str]]) -> list[str]:
        """The same of each of several files, kept at once. Raises MediaMissing, MediaUnreadable."""
        fresh: dict[str, list[str]] = {}
        found = [self._of([os.fspath(path)], True, fresh).sha256 for path in paths]
        self._save(fresh)
        return found

    def of(self, paths: Sequence[str | os.PathLike[str]], *, whole: bool = False) -> Content:
        """The content of files that belong together, in this order; their names don't count.

        For one file that is read whole it is the file's own sha256. Raises MediaMissing, MediaUnreadable.
        """
        if whole and len(paths) != 1:
            return Content(_digest(self.of_files(paths)))
        fresh: dict[str, list[str]] = {}
        found = self._of([os.fspath(path) for path in paths], whole, fresh)
        self._save(fresh)
        return found

    def _of(self, paths: Sequence[str], whole: bool, fresh: dict[str, list[str]]) -> Content:
        for _ in range(3):
            before = stamp_of(paths)
            found = self._find(paths, before, whole)
            if found is not None:
                return found
            content = _read(paths, before.size, whole)
            if stamp_of(paths) == before:
                break
        if time.time_ns() - before.changed_ns >= SETTLED_NS:
            name, entry = _name(paths, whole), [before.text, content.sha256, content.times]
            self._seen[name] = entry
            if before.size >= KEPT_FROM_BYTES:
                fresh[name] = entry
        return content

    def _find(self, paths: Sequence[str], at: Stamp, whole: bool) -> Content | None:
        name = _name(paths, whole)
        known = self._seen.get(name)
        if known is None and at.size >= KEPT_FROM_BYTES:
            self._seen.update({kept: entry for kept, entry in self._load().items() if kept not in self._seen})
            known = self._seen.get(name)
        if not (isinstance(known, list) and len(known) == 3 and all(isinstance(part, str) for part in known)):
            return None
        return Content(known[1], known[2]) if known[0] == at.text else None

    def _save(self, fresh: dict[str, list[str]]) -> None:
        for oldest in list(self._seen)[: -2 * MOST_KEPT]:
            self._seen.pop(oldest, None)
        if not fresh:
            return
        kept = {name: entry for name, entry in self._load().items() if name not in fresh} | fresh
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.path, json.dumps(dict(list(kept.items())[-MOST_KEPT:]), indent=1).encode())

    def _load(self) -> dict[str, list[str]]:
        try:
            content = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}


def content_of(paths: Sequence[str | os.PathLike[str]], *, whole: bool = False) -> Content:
    """The content of a movie, a sequence or a picture. Raises MediaMissing, MediaUnreadable."""
    return HashBook().of(paths, whole=whole)


def _stat(path: str) -> os.stat_result:
    try:
        seen = os.stat(path)
    except FileNotFoundError:
        raise MediaMissing(path) from None
    except (OSError, ValueError) as error:
        raise MediaUnreadable(path, getattr(error, "strerror", None) or "it can't be a path") from error
    if not lies_on_a_disk(seen):
        raise no_file(path, seen)
    return seen


def _read(paths: Sequence[str], size: int, whole: bool) -> Content:
    sampled = not whole and size > WHOLE_BYTES
    if len(paths) == 1 and not sampled:
        return Content(_hash(paths[0], None))
    room = SAMPLED_BYTES // len(paths) if sampled else None
    seen = hashlib.sha256()
    for path in paths:
        seen.update(f"{_stat(path).st_size} {_hash(path, room)}\n".encode())
    times = _digest([_stat(path).st_mtime_ns for path in paths]) if sampled else ""
    return Content(seen.hexdigest(), times)


def _hash(path: str, room: int | None) -> str:
    """sha256 of a file, or when it is larger than `room` bytes of so many of it, from its first to its last."""
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if room is None or size <= room:
                return hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()
            chunk = max(LEAST_CHUNK_BYTES, min(CHUNK_BYTES, room // 3))
            count = max(3, room // chunk)
            seen = hashlib.sha256()
            for offset in _spread(size - chunk, count):
                file.seek(offset)
                seen.update(file.read(chunk))
            return seen.hexdigest()
    except FileNotFoundError:
        raise MediaMissing(path) from None
    except OSError as error:
        raise MediaUnreadable(path, error.strerror or "unknown") from error


def _spread(last: int, count: int) -> Iterable[int]:
    """So many places from 0 to `last`, both included."""
    return (max(0, last) * n // (count - 1) for n in range(count))


def _name(paths: Sequence[str], whole: bool) -> str:
    kind = "whole" if whole else "source"
    return f"{kind} {paths[0]}" if len(paths) == 1 else f"{kind} {_digest(list(paths))}"


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode("utf-8", "surrogatepass")).hexdigest()
