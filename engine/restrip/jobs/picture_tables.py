"""Movies' tables of pictures that took decoding, kept in the cache by the file's content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.jobs.cache import Cache
from restrip.storage import json_files

TABLE_STAGE = 1
"""Raised when the code makes another table of the same file."""


@dataclass(frozen=True)
class CachedTables:
    """Keeps tables in `cache`, and tells `report(phase, done, total)` how far decoding is."""

    cache: Cache
    progressed: Callable[[str, int, int], None]

    def find(self, path: str, stream: int) -> Mapping[str, Any] | None:
        """The table of a file with this content; the file is read once to find it."""
        entry = self.cache.find("facts", self._key(path, stream))
        return None if entry is None else json_files.read_json(entry.file("table.json"))

    def keep(self, path: str, stream: int, table: Mapping[str, Any]) -> None:
        """Keep a table."""
        with self.cache.make("facts", self._key(path, stream)) as draft:
            json_files.write_json(draft.folder / "table.json", table)

    def report(self, done: int, total: int) -> None:
        """So many of the packets are decoded. Raises Cancelled."""
        self.progressed("reading", done, total)

    def _key(self, path: str, stream: int) -> str:
        content = json_files.file_sha256(Path(path))
        return json_files.digest({"pictures": TABLE_STAGE, "content": content, "stream": stream})
