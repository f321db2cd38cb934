"""Transfers files to and from another engine: by hash, in chunks, resuming where it stopped.

here                      there
clip.mov ── locate ─────► the same under this path?        then nothing is sent
         ── offer ──────► here already? how much of it?
         ── put, put ───► <state>/received/<sha256>/clip.mov.part
         ── keep ───────► whole and as its sha256 says: put in place
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.client.client import Client
from restrip.errors import BadInput
from restrip.media.content import stamp_of
from restrip.media.files import MediaMissing
from restrip.remote.upload_store import OfferedFile, UploadStore, ends_sha256
from restrip.storage import json_files

PIECE_BYTES = 512 << 10
Report = Callable[..., None]


class TooMany(BadInput):
    """A folder with more files than can be sent."""

    code = "too-many-files"

    def __init__(self, folder: str, most: int) -> None:
        super().__init__(
            f"{folder} has more than {most} files, too many to send.",
            "Put it where the other computer finds it under the same path, or name a smaller folder.",
        )


MOST_FILES = 100_000


class LaterError(Exception):
    """The time of this turn is over; other jobs get theirs. What was transferred is kept."""


class NotThereError(Exception):
    """A file would have to be sent first."""


@dataclass
class TransferJournal:
    """What a job remembers of its way: journey.json in its folder.

    `there` are paths on the other computer by paths here, `stamps` what the files were like when they were sent,
    `hashes` are [stamp, sha256] by path, `job` is the job's id there, `again` says that it failed there and is to be
    tried again.
    """

    path: Path = field(default=Path(), metadata=codec.LEFT_OUT)
    there: dict[str, str] = field(default_factory=dict)
    stamps: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, list[Any]] = field(default_factory=dict)
    job: str = ""
    again: bool = False

    @classmethod
    def load(cls, path: Path) -> TransferJournal:
        """Read it; an empty one when there is none that can be read."""
        try:
            made = codec.read(cls, json_files.read_json(path) or {})
        except codec.Misfit:
            made = cls()
        made.path = path
        return made

    def save(self) -> None:
        """Write it."""
        json_files.write_json(self.path, codec.write(self))

    def sha256(self, path: Path) -> str:
        """sha256 of a file, computed once while its stamp stays."""
        stamp = stamp_of([path]).text
        known = self.hashes.get(str(path))
        if known is not None and known[0] == stamp:
            return str(known[1])
        sha256 = json_files.file_sha256(path)
        self.hashes[str(path)] = [stamp, sha256]
        return sha256

    def sent(self, paths: Sequence[str], stamp: str) -> list[str] | None:
        """Where these files are there, when they are what was sent; None when they have to be sent, or sent again."""
        known = [self.there.get(path) for path in paths]
        if self.stamps.get(paths[0]) != stamp:
            return None
        return [path for path in known if path is not None] if None not in known else None

    def keep(self, paths: Sequence[str], stamp: str, there: Sequence[str]) -> None:
        """Remember where they are."""
        self.there.update(zip(paths, there, strict=True))
        self.stamps[paths[0]] = stamp


@dataclass
class Transfer:
    """Sends the files that a job names, fetches those that it made, until `until` (time.monotonic): then LaterError.

    `shared` allows to take a file that is found there under the same path for the same; `look_only` sends nothing.
    """

    client: Client
    journal: TransferJournal
    shared: bool
    report: Report
    until: float
    look_only: bool = False

    def send(self, path: str) -> str:
        """Send a file unless it is there already; returns its remote path.

        Raises MediaMissing, MediaUnreadable, FileChanged, DiskFull; NotThereError instead of sending when `look_only`.
        """
        return self.send_all([path])[0]

    def send_all(self, paths: Sequence[str]) -> list[str]:
        """The same for the files of one sequence, which lie in one folder there."""
        stamp = stamp_of(paths).text
        found = self.journal.sent(paths, stamp)
        return found or self._keep(paths, stamp, self._located(paths) or self._sent(paths))

    def send_folder(self, folder: str, named: Sequence[str]) -> str:
        """A folder's path there, with these of its files. Raises TooMany too."""
        if not named:
            raise MediaMissing(folder)
        if len(named) > MOST_FILES:
            raise TooMany(folder, MOST_FILES)
        stamp = stamp_of(named).text
        found = self.journal.sent([folder], stamp)
        return (found or self._keep([folder], stamp, self._sent_folder(folder, named)))[0]

    def _keep(self, paths: Sequence[str], stamp: str, there: list[str]) -> list[str]:
        self.journal.keep(paths, stamp, there)
        if not self.look_only:
            self.journal.save()
        return there

    def bring(self, job_id: str, listed: Mapping[str, Any], store: UploadStore) -> Path:
        """Fetch one file of a result into the upload store. `listed` is its entry in `results`. Raises BadFile."""
        file = OfferedFile.read({**listed, "group": listed.get("sha256")})
        if store.has(file):
            return store.path(file)
        offset = store.offset(file)
        while offset < file.size:
            self._turn("fetching", offset, file.size, file.name)
            asked = {"job_id": job_id, "path": listed["path"], "offset": offset, "bytes": PIECE_BYTES}
            data = base64.b64decode(self.client.request("get", asked)["data"])
            offset = store.add(file, offset, data)
        if not file.size:
            store.add(file, 0, b"")
        return store.keep(file)

    def _located(self, paths: Sequence[str]) -> list[str] | None:
        """The same paths, when the other computer finds the same files under them; of many the ends are compared."""
        if not self.shared:
            return None
        for path in {paths[0], paths[len(paths) // 2], paths[-1]}:
            if not self.client.request("locate", {"path": path, "ends": ends_sha256(_file(path))})["same"]:
                return None
        return list(paths)

    def _sent(self, paths: Sequence[str]) -> list[str]:
        """Files under their own names, together in a folder there that is named for all of them."""
        named = [(_file(path), self._hash(_file(path))) for path in paths]
        alone = len(named) == 1
        group = named[0][1] if alone else json_files.digest([[path.name, sha256] for path, sha256 in named])
        offers = [(path, OfferedFile(group, path.name, path.stat().st_size, sha256)) for path, sha256 in named]
        return [str(self._put(path, file)["path"]) for path, file in offers]

    def _sent_folder(self, folder: str, named: Sequence[str]) -> list[str]:
        """Files of a folder under their names in it, such as a model's parts."""
        found = [(Path(path), Path(path).relative_to(folder).as_posix()) for path in sorted(named)]
        hashed = [(path, name, self._hash(path)) for path, name in found]
        group = json_files.digest([[name, sha256] for _, name, sha256 in hashed])
        for path, name, sha256 in hashed:
            folder = self._put(path, OfferedFile(group, name, path.stat().st_size, sha256))["folder"]
        return [str(folder)]

    def _hash(self, path: Path) -> str:
        if time.monotonic() > self.until:
            if self.look_only:
                raise NotThereError
            self.journal.save()
            raise LaterError
        return self.journal.sha256(path)

    def _put(self, path: Path, file: OfferedFile) -> dict[str, Any]:
        """Send one file, as far as it isn't there. Returns its "path" and "folder" there."""
        offered = codec.write(file)
        answer = self.client.request("offer", offered)
        if answer["path"]:
            return answer
        if self.look_only:
            raise NotThereError
        offset = int(answer["offset"])
        with open(path, "rb") as content:
            while offset < file.size:
                self._turn("sending", offset, file.size, file.name)
                content.seek(offset)
                data = base64.b64encode(content.read(PIECE_BYTES)).decode()
                offset = int(self.client.request("put", {**offered, "offset": offset, "data": data})["offset"])
        if not file.size:
            self.client.request("put", {**offered, "offset": 0, "data": ""})
        return self.client.request("keep", offered, timeout_s=600)

    def _turn(self, phase: str, done: int, total: int, name: str) -> None:
        self.report(phase, done >> 20, max(1, total >> 20), note=name)
        if time.monotonic() > self.until:
            self.journal.save()
            raise LaterError


def _file(path: str) -> Path:
    found = Path(path)
    if not found.is_file():
        raise MediaMissing(path)
    return found
