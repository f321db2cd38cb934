"""What travels with a task to another machine and back, when that machine doesn't see the engine's files.

engine's machine                           a node
clip, look, matte  ── bundle, once ──────► <nodes>/<node>/files/<digest>/...
keys of a task     ── bundle, once ──────► <nodes>/<node>/tasks/<task>/cache/keys/...
job.json, plan.json ─────────────────────► <nodes>/<node>/tasks/<task>/jobs/<job>/   with the paths of the node
<state>/cache/     ◄── bundle ─────────── what the task made, under the same hash

A bundle is a stream of tar in chunks, so that no file has to fit into memory.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.client.job import JobSpec
from restrip.jobs.cache import Cache
from restrip.jobs.model import input_files
from restrip.jobs.model.input_files import Seen
from restrip.jobs.references import NamedFile, files_of, inputs_of, relocated, spec_in, with_files_of
from restrip.media import content
from restrip.storage import json_files
from restrip.storage.atomic import aside_of

PIECE_BYTES = 32 << 20


@dataclass(frozen=True)
class Bundle:
    """Files of one folder that are read by a job: their names, sizes and times of change.

    `place` tells them from files that took their place: it means something on the engine's machine alone.
    """

    root: str
    names: tuple[str, ...]
    stamps: tuple[tuple[int, int], ...]
    place: str = ""

    @property
    def digest(self) -> str:
        """Another one for other files, and for the same ones changed or replaced."""
        return json_files.digest([self.root, self.names, self.stamps, self.place])

    def same_here(self) -> bool:
        """Whether these very files are found on this machine, under the same paths."""
        return all(
            stamp_of(Path(self.root, name)) == stamp for name, stamp in zip(self.names, self.stamps, strict=True)
        )

    @classmethod
    def of(cls, root: Path, names: Iterable[str]) -> Bundle:
        """Look at the files. One that is missing has the size -1: reading it will say so."""
        listed = tuple(sorted(set(names)))
        there = [root / name for name in listed if (root / name).is_file()]
        stamps = tuple(stamp_of(root / name) or (-1, 0) for name in listed)
        return cls(str(root), listed, stamps, content.stamp_of(there).place)


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None for what isn't there."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns


@dataclass(frozen=True)
class Reads:
    """What a job reads: where what it names lies, by how it names it, and the files as bundles. It may be long: a path
    a frame.
    """

    named: Mapping[str, str]
    bundles: tuple[Bundle, ...]

    def chunks(self, put: Callable[[bytes], Any]) -> list[Any]:
        """Lay it out."""
        return [put(json_files.canonical(codec.write(self)))]

    @classmethod
    def from_chunks(cls, chunks: Iterable[bytes]) -> Reads:
        """What `chunks` laid out."""
        return codec.read(cls, json.loads(b"".join(chunks)))


def reads_of(job: Mapping[str, Any]) -> Reads:
    """What a job reads, and nothing else. `job` is the content of job.json. Raises BadJob, BadInput."""
    named = files_of(spec_in(job))
    return Reads({file.named: file.path for file in named}, bundles_of(named))


def bundles_of(named: Iterable[NamedFile]) -> tuple[Bundle, ...]:
    """These files and folders, a bundle a folder."""
    folders: dict[Path, set[str]] = {}
    for file in named:
        root = Path(file.path) if file.is_folder else Path(file.path).parent
        folders.setdefault(root, set()).update(os.path.relpath(path, root) for path in file.files)
    return tuple(Bundle.of(root, names) for root, names in folders.items() if names)


def moved(job: Mapping[str, Any], reads: Reads, roots: Mapping[str, str]) -> dict[str, Any]:
    """The job with the files that it names led from below their root to the root's new place."""
    places = {name: _led(Path(path), roots) for name, path in reads.named.items()}
    return with_files_of(job, relocated(spec_in(job), places))


def moved_plan(plan: Mapping[str, Any], spec: JobSpec, reads: Reads, roots: Mapping[str, str]) -> dict[str, Any]:
    """The plan of a job that was moved, to which `spec` belongs: the pictures of its keys are led too, and its inputs
    are the copies here. Its hashes stay. Raises SourceChanged when they aren't copies of what was planned.
    """
    keys = [
        {**key, "image": _led(Path(reads.named.get(key["image"], key["image"])), roots)} if key.get("image") else key
        for key in plan["keys"]
    ]
    planned = codec.read(dict[str, Seen], plan.get("inputs", {}))
    here = input_files.copied(inputs_of(files_of(spec)), planned)
    return {**plan, "keys": keys, "inputs": codec.write_as(dict[str, Seen], here)}


def brought_home(said: Mapping[str, Any], roots: Mapping[str, str]) -> dict[str, Any]:
    """What a task says, with the folders of its machine named as the engine's; `roots` as in `moved`."""
    home = {there: here for here, there in roots.items()}
    pattern = re.compile("|".join(map(re.escape, sorted(home, key=len, reverse=True))) or r"(?!)")
    found: dict[str, Any] = _replaced(dict(said), lambda text: pattern.sub(lambda match: home[match[0]], text))
    return found


def _led(path: Path, roots: Mapping[str, str]) -> str:
    for root in (path, *path.parents):
        if str(root) in roots:
            return str(Path(roots[str(root)], path.relative_to(root)))
    return str(path)


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


# ---------------------------------------------------------------------- streams


class _Chunks(io.RawIOBase):
    """A file to write to that hands on what it gets in chunks."""

    def __init__(self, put: Callable[[bytes], None]) -> None:
        self._put, self._held, self._size = put, list[bytes](), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        self._size += len(self._held[-1])
        if self._size >= PIECE_BYTES:
            self.flush()
        return len(self._held[-1]) if self._held else len(data)

    def flush(self) -> None:
        if self._held:
            self._put(b"".join(self._held))
        self._held, self._size = [], 0


class _Joined(io.RawIOBase):
    """A file to read from that comes in chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._chunks))
            except StopIteration:
                return 0
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def packed(root: Path, names: Sequence[str], put: Callable[[bytes], Any]) -> list[Any]:
    """Pack files below a folder; `put` takes each chunk and gives what stands for it."""
    handles: list[Any] = []
    sink = _Chunks(lambda chunk: handles.append(put(chunk)))
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            if (root / name).is_file():
                tar.add(root / name, arcname=name, recursive=False)
    sink.flush()
    return handles


def unpacked(chunks: Iterable[bytes], folder: Path) -> None:
    """Unpack into a folder that is there."""
    with io.BufferedReader(_Joined(chunks)) as source, tarfile.open(fileobj=source, mode="r|") as tar:
        tar.extractall(folder, filter="data")


def packed_folder(folder: Path, put: Callable[[bytes], Any]) -> list[Any]:
    """Pack all files of a folder."""
    return packed(folder, sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()), put)


def put_in_place(chunks: Iterable[bytes], target: Path) -> Path:
    """Unpack into `target`, which appears whole; another may do the same at the same time."""
    if target.is_dir():
        return target
    aside = aside_of(target)
    aside.mkdir(parents=True, mode=0o700)
    try:
        unpacked(chunks, aside)
        aside.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    finally:
        json_files.remove(aside)
    return target


def take_entry(cache: Cache, kind: str, key: str, chunks: Iterable[bytes]) -> None:
    """Put a packed cache entry into a cache; it appears whole, and stays what it was when it is there already."""
    if cache.has(kind, key):
        return
    with cache.make(kind, key) as draft:
        unpacked(chunks, draft.folder)
        body = json_files.read_json(draft.folder / "facts.json") or {}
        json_files.remove(draft.folder / "facts.json")
        draft.facts.update(body.get("facts", {}))
