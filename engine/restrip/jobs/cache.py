"""Finished keys and segments, found by what they were made from.

   <state>/cache/keys/ab/ab12.../       picture.png   facts.json
   <state>/cache/segments/cd/cd34.../   left.mp4  right.mp4  joint.mp4  facts.json
   <state>/cache/incoming/              being written

An entry is a folder that appears whole: its files are flushed to the disk, facts.json names them with their sizes,
and then the folder is renamed into place.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restrip.storage import json_files
from restrip.storage.atomic import aside_of, sync_file, sync_folder, writer_of
from restrip.storage.processes import alive

KINDS = ("keys", "segments", "facts")
STALE_S = 24 * 3600.0


@dataclass(frozen=True)
class Entry:
    """Something finished: its folder and what is known about it."""

    folder: Path
    facts: Mapping[str, Any]

    def file(self, name: str) -> Path:
        """One of its files, such as "left.mp4"."""
        return self.folder / name


@dataclass
class Draft:
    """An entry being made: write files into `folder`, set `facts`."""

    folder: Path
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Usage:
    """How much the cache holds."""

    entries: int
    mib: float
    protected_mib: float


class Cache:
    """The cache under a state folder. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        self.root = root / "cache"

    def find(self, kind: str, key: str) -> Entry | None:
        """The entry, marked as just used; None when there is none that is whole."""
        folder = self._folder(kind, key)
        body = json_files.read_json(folder / "facts.json")
        if body is None or not _whole(folder, body.get("files")):
            return None
        os.utime(folder / "facts.json")
        return Entry(folder, body.get("facts", {}))

    def has(self, kind: str, key: str) -> bool:
        """Whether `find` would find it."""
        return self.find(kind, key) is not None

    @contextmanager
    def make(self, kind: str, key: str) -> Iterator[Draft]:
        """Make an entry: it appears when the block ends, and doesn't when the block raises."""
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = Draft(aside_of(incoming / key))
        draft.folder.mkdir(mode=0o700)
        try:
            yield draft
            self._commit(draft, kind, key)
        finally:
            json_files.remove(draft.folder)

    def usage(self, protected: Collection[str] = ()) -> Usage:
        """What the cache holds, and how much of it `protected` keys hold."""
        entries = list(self._entries())
        kept = sum(size for folder, size, _ in entries if folder.name in protected)
        return Usage(len(entries), sum(size for _, size, _ in entries) / 2**20, kept / 2**20)

    def prune(self, limit_mib: float, protected: Collection[str], spare: Callable[[], bool] = lambda: False) -> float:
        """Delete the least recently used entries until the rest has at most `limit_mib`; never a protected one.

        `spare` is asked before each and ends it when true. Returns the MiB that were freed.
        """
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in entries)
        freed = 0
        for folder, size, _ in entries:
            if total - freed <= limit_mib * 2**20 or spare():
                break
            if folder.name not in protected:
                self._drop(folder)
                freed += size
        return freed / 2**20

    def folders(self, keys: Collection[str]) -> list[Path]:
        """The folders of these entries, as far as they are there."""
        return [folder for folder, _, _ in self._entries() if folder.name in keys]

    def drop(self, keys: Collection[str]) -> None:
        """Delete these entries."""
        for folder in self.folders(keys):
            self._drop(folder)

    def clear_incoming(self, older_than_s: float = 0.0) -> None:
        """Remove files that a crash left half written. Only the engine calls this, before its worker runs."""
        incoming = self.root / "incoming"
        for path in incoming.iterdir() if incoming.is_dir() else ():
            if time.time() - path.stat().st_mtime >= older_than_s:
                json_files.remove(path)

    def clear_abandoned(self) -> None:
        """Remove files that killed workers left half written, while other workers go on writing."""
        incoming = self.root / "incoming"
        for path in list(incoming.iterdir()) if incoming.is_dir() else ():
            writer = writer_of(path)
            if writer and not alive(writer):
                json_files.remove(path)

    def _folder(self, kind: str, key: str) -> Path:
        assert kind in KINDS
        return self.root / kind / key[:2] / key

    def _commit(self, draft: Draft, kind: str, key: str) -> None:
        made = sorted(draft.folder.rglob("*"))
        for path in made:
            if path.is_dir():
                sync_folder(path)
            else:
                sync_file(path)
        listed = {str(path.relative_to(draft.folder)): path.stat().st_size for path in made if path.is_file()}
        json_files.write_json(draft.folder / "facts.json", {"key": key, "files": listed, "facts": draft.facts})
        target = self._folder(kind, key)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if target.exists():
            if self.find(kind, key) is not None:
                return  # Made by another at the same time: the same content.
            self._drop(target)
        try:
            draft.folder.rename(target)
        except OSError:
            if self.find(kind, key) is None:
                raise
        sync_folder(target.parent)

    def _entries(self) -> Iterator[tuple[Path, int, float]]:
        """(folder, bytes, last use) of every entry."""
        for kind in KINDS:
            shelf = self.root / kind
            for folder in shelf.glob("??/*") if shelf.is_dir() else ():
                try:
                    used = (folder / "facts.json").stat().st_mtime
                    yield folder, sum(path.stat().st_size for path in folder.rglob("*")), used
                except OSError:
                    yield folder, 0, 0.0

    def _drop(self, folder: Path) -> None:
        """Move it out of sight first, so that no reader finds half an entry."""
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        gone = aside_of(incoming / folder.name)
        try:
            folder.rename(gone)
        except OSError:
            return  # In use (Windows) or gone already.
        json_files.remove(gone)


def _whole(folder: Path, listed: Any) -> bool:
    if not isinstance(listed, dict):
        return False
    try:
        return all((folder / name).stat().st_size == size for name, size in listed.items())
    except OSError:
        return False
