"""What a guest's job may name: files and folders of this computer, but nothing that the engine keeps of itself, of its
owner's jobs or of other guests.

/home/me/clips/run.mov                     yes, by the rights of whoever shares the engine
<state>/received/<the guest's own>/files   yes
<state>/...                                no, by whatever name: a link, a mount, /proc/self/root
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.jobs.references import files_of, spec_in
from restrip.jobs.tasks.registry import Assignment
from restrip.media.files import open_regular
from restrip.remote.upload_store import UploadStore

_APART = re.compile(r"""[,;\n"'=]""")
_WEIGHT = re.compile(r":[-+0-9.]*$")
Place = tuple[int, int]


class NotYours(BadInput):
    """A guest named something that isn't its own."""

    code = "not-yours"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path[:300]} isn't a linked computer's to use.", "Name a file that you sent, or a shared one."
        )


def vet(task: Assignment) -> dict[str, Any]:
    """Look at what a guest's job, or folder, names: {}.

    Raises NotYours, MediaUnreadable for a pipe or a device, and what `files_of` raises.
    """
    limits, job = Bounds(task.state_dir, task.body["guest"]), task.body["job"]
    # Whatever a look may take for a path, before any of it is looked into.
    for text in _texts({**job, "source": None}):
        for name in filter(_may_be_path, _pieces(text)):
            limits.check(name, mere=True)
    named = [job["folder"]] if "folder" in job else _files(job)
    for n, path in enumerate(named):
        limits.check(path)
        if n % 100 == 0:
            task.report("reading", n, len(named))
    return {}


def _files(job: Mapping[str, Any]) -> list[str]:
    """All files and folders that a job names, a look's own file or folder as it is written among them."""
    spec = spec_in(job)
    found = {path: None for file in files_of(spec) for path in (file.path, *file.files)}
    argument = spec.look.partition(":")[2]
    return [*found, *([argument] if os.path.isabs(argument) else [])]


class Bounds:
    """Where a guest's names may lead. Folders are compared by device and inode, not by name."""

    def __init__(self, state_dir: Path, guest: str) -> None:
        self._state = _place(str(state_dir))
        self._own = _place(str(UploadStore(state_dir, guest).root / "files"))
        self._above = {_place(str(folder)) for folder in Path(os.path.realpath(state_dir)).parents} - {None}
        self._known: dict[str, bool] = {}

    def allow(self, path: str, mere: bool = False) -> bool:
        """Whether the guest may name this. A word that leads nowhere from the engine's folder is no path."""
        if not os.path.isabs(path) and not os.path.lexists(path):
            return True
        real = os.path.realpath(path)
        place = _place(real)
        if not mere and place is not None and place in self._above and os.path.isdir(real):
            return False  # What lies in such a folder is looked through.
        return place != self._state and self._inside(real)

    def check(self, path: str, mere: bool = False) -> None:
        """Raise NotYours, or MediaUnreadable for what is no file and no folder; of a `mere` word only the first."""
        if not self.allow(path, mere):
            raise NotYours(path)
        if mere:
            return
        try:
            if not stat.S_ISDIR(os.stat(path).st_mode):
                open_regular(path).close()
        except (OSError, ValueError):
            return  # Missing or not to be read: the job says so, in its own words.

    def _inside(self, real: str) -> bool:
        """Whether a path without links lies where it may."""
        folder = os.path.dirname(real)
        if folder not in self._known:
            place = _place(folder)
            if place is not None and place in (self._own, self._state):
                self._known[folder] = place == self._own
            else:
                self._known[folder] = folder == os.path.dirname(folder) or self._inside(folder)
        return self._known[folder]


def may_name(state_dir: Path, guest: str, path: str) -> bool:
    """Whether a guest may name this path."""
    return Bounds(state_dir, guest).allow(path)


def _place(path: str) -> Place | None:
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        return None
    return seen.st_dev, seen.st_ino


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _pieces(text: str) -> Iterable[str]:
    """Every path that a reader of settings may find in a text: lists, quotes, weights, names of looks."""
    found = {text, text.partition(":")[2]}
    for piece in _APART.split(text):
        found |= {piece.strip(), _WEIGHT.sub("", piece.strip()), piece.strip().partition(":")[2]}
    return found


def _may_be_path(name: str) -> bool:
    return bool(name) and "\0" not in name and len(name) < 4096 and ("/" in name or "\\" in name)
