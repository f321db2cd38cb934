"""What travels with a task to another machine and back, when that machine doesn't see the engine's files.

engine's machine                           a node
clip, look, matte  ── bundle, once ──────► <nodes>/<node>/files/<digest>/...
keys of a part     ── bundle, once ──────► <nodes>/<node>/tasks/<task>/cache/keys/...
job.json, plan.json ─────────────────────► <nodes>/<node>/tasks/<task>/jobs/<job>/   with the paths of the node
<state>/cache/     ◄── bundle ─────────── what the task made, under the same hash

A bundle is a stream of tar in pieces, so that no file has to fit into memory.
"""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from restrip.jobs import files
from restrip.jobs.cache import Cache
from restrip.link.job import clip_from_json
from restrip.timeline.aside import aside_of

PIECE_BYTES = 32 << 20
OWN_PLACES = ("output", "project", "job_id")
"""Fields of a job that name no file to read."""


@dataclass(frozen=True)
class Bundle:
    """Files of one folder that are read by a job: their names, sizes and times of change."""

    root: str
    names: tuple[str, ...]
    stamps: tuple[tuple[int, int], ...]

    @property
    def digest(self) -> str:
        """Another one for other files, and for the same ones changed."""
        return files.digest([self.root, self.names, self.stamps])

    def same_here(self) -> bool:
        """Whether these very files are found on this machine, under the same paths."""
        return all(
            stamp_of(Path(self.root, name)) == stamp for name, stamp in zip(self.names, self.stamps, strict=True)
        )

    @classmethod
    def of(cls, root: Path, names: Iterable[str]) -> Bundle:
        """Look at the files. One that is missing has the size -1: reading it will say so."""
        listed = tuple(sorted(set(names)))
        return cls(str(root), listed, tuple(stamp_of(root / name) or (-1, 0) for name in listed))


def stamp_of(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None for what isn't there."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns


@dataclass(frozen=True)
class Reads:
    """What a job reads: the paths that it names, and the same as bundles. It may be long: a path a frame."""

    paths: tuple[str, ...]
    bundles: tuple[Bundle, ...]

    def pieces(self, put: Callable[[bytes], Any]) -> list[Any]:
        """Lay it out."""
        return [put(files.canonical(asdict(self)))]

    @classmethod
    def from_pieces(cls, pieces: Iterable[bytes]) -> Reads:
        """What `pieces` laid out."""
        body = json.loads(b"".join(pieces))
        bundles = (Bundle(b["root"], tuple(b["names"]), tuple(map(tuple, b["stamps"]))) for b in body["bundles"])
        return cls(tuple(body["paths"]), tuple(bundles))


def read_by(job: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths of all files and folders that a job reads and that are there. `job` is the content of job.json."""
    found = dict.fromkeys(clip_from_json(job["source"]).paths)
    for text in _texts({**job, "source": {}}):
        found.update(dict.fromkeys(_paths_in(text)))
    return tuple(found)


def bundles_of(paths: Iterable[str]) -> tuple[Bundle, ...]:
    """These files and folders, a bundle a folder."""
    folders: dict[Path, set[str]] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inner = {str(child.relative_to(path)) for child in path.rglob("*") if child.is_file()}
            folders.setdefault(path, set()).update(inner)
        else:
            folders.setdefault(path.parent, set()).add(path.name)
    return tuple(Bundle.of(root, names) for root, names in folders.items() if names)


def moved(job: Mapping[str, Any], paths: Sequence[str], roots: Mapping[str, str]) -> dict[str, Any]:
    """The job with these paths led from below their root to the root's new place, and a sequence named in full."""
    led = {path: _led(Path(path), roots) for path in paths}
    clip = clip_from_json(job["source"])
    source = {**job["source"], "numbered": None, "paths": [led.get(path, path) for path in clip.paths]}
    few = sorted(set(paths) - set(clip.paths), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, few)) or r"(?!)")
    rest = {name: value for name, value in job.items() if name != "source"}
    return {**_replaced(rest, lambda text: pattern.sub(lambda match: led[match[0]], text)), "source": source}


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


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name not in OWN_PLACES:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: inner if name in OWN_PLACES else _replaced(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, change) for inner in value]
    return change(value) if isinstance(value, str) else value


def _paths_in(text: str) -> list[str]:
    """Files and folders of this machine in a text such as "sd:/models/a.ckpt" or "canny=/models/c:0.8, ..."."""
    found = []
    for piece in re.split(r"[,;=\n]", re.sub(r"^[a-z]{2,}:", "", text)):
        whole = piece.strip()
        for path in (whole, re.sub(r"[:@][-0-9.]+$", "", whole)):
            if os.path.isabs(path) and os.path.exists(path):
                found.append(path)
                break
    return found


# ---------------------------------------------------------------------- streams


class _Pieces(io.RawIOBase):
    """A file to write to that hands on what it gets in pieces."""

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
    """A file to read from that comes in pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(next(self._pieces))
            except StopIteration:
                return 0
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def packed(root: Path, names: Sequence[str], put: Callable[[bytes], Any]) -> list[Any]:
    """Pack files below a folder; `put` takes each piece and gives what stands for it."""
    handles: list[Any] = []
    sink = _Pieces(lambda piece: handles.append(put(piece)))
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in names:
            if (root / name).is_file():
                tar.add(root / name, arcname=name, recursive=False)
    sink.flush()
    return handles


def unpacked(pieces: Iterable[bytes], folder: Path) -> None:
    """Unpack into a folder that is there."""
    with io.BufferedReader(_Joined(pieces)) as source, tarfile.open(fileobj=source, mode="r|") as tar:
        tar.extractall(folder, filter="data")


def packed_folder(folder: Path, put: Callable[[bytes], Any]) -> list[Any]:
    """Pack all files of a folder."""
    return packed(folder, sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()), put)


def put_in_place(pieces: Iterable[bytes], target: Path) -> Path:
    """Unpack into `target`, which appears whole; another may do the same at the same time."""
    if target.is_dir():
        return target
    aside = aside_of(target)
    aside.mkdir(parents=True, mode=0o700)
    try:
        unpacked(pieces, aside)
        aside.rename(target)
    except OSError:
        if not target.is_dir():
            raise
    finally:
        files.remove(aside)
    return target


def take_entry(cache: Cache, kind: str, key: str, pieces: Iterable[bytes]) -> None:
    """Put a packed cache entry into a cache; it appears whole, and stays what it was when it is there already."""
    if cache.has(kind, key):
        return
    with cache.make(kind, key) as draft:
        unpacked(pieces, draft.folder)
        body = files.read_json(draft.folder / "facts.json") or {}
        files.remove(draft.folder / "facts.json")
        draft.facts.update(body.get("facts", {}))
