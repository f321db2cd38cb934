"""Files in folders of the user's: named, checked before work starts, and never written over when they aren't ours.

A folder's record, <state>/outputs/<hash of the folder>.json, names the files that the engine put there with their
sha256; "" while a file is being written. What isn't in it, or was changed since, is somebody else's.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from restrip.errors import BadInput
from restrip.jobs import files
from restrip.link.discovery import alive
from restrip.media.files import OutputUnwritable
from restrip.timeline import Key
from restrip.timeline.aside import writer_of


class OutputExists(BadInput):
    """A file of the same name is there already and isn't the engine's."""

    code = "output-exists"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there already, and Restrip didn't write it or it was changed since.",
            "Choose another folder, or move that file away.",
            path=str(path),
        )


class OutputMoved(BadInput):
    """An output folder that is gone, or leads elsewhere than when the job began."""

    code = "output-moved"

    def __init__(self, path: Path) -> None:
        gone = not os.path.exists(path)
        super().__init__(
            f"{path} is gone: it was there when the job began, and was deleted, renamed or its drive taken out since."
            if gone
            else f"{path} leads to another place than when the job began.",
            f"Bring it back, or retry and it is made anew: {_KEPT}"
            if gone
            else f"Check the folder, then retry and results go where it leads now: {_KEPT}",
            path=str(path),
            gone=gone,
        )


_KEPT = "what was finished is kept."


def strip_name(index: int, key: Key, extension: str) -> str:
    """The name of a key's strip: strip-000-frame-00045.mp4; a folder of pictures has no extension."""
    return f"strip-{index:03d}-frame-{key.frame:05d}{extension}"


def check_place(state_dir: Path, folder: Path, targets: Iterable[Path]) -> Path:
    """Make sure that results can be put into `folder`, and that no target is somebody else's.

    Returns the folder's resolved path. Raises OutputUnwritable, OutputExists.
    """
    resolved = try_folder(folder)
    for parent in sorted({target.parent for target in targets} - {folder}):
        try_folder(parent)
    for target in targets:
        _check_ours(state_dir, target)
    return resolved


def try_folder(folder: Path) -> Path:
    """Make a folder if it is missing, write something into it, and take it away again. Raises OutputUnwritable."""
    attempt = folder / f".restrip-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        attempt.touch(exist_ok=False)
        attempt.unlink()
        return folder.resolve(strict=True)
    except OSError as error:
        raise OutputUnwritable(str(folder), (error.strerror or str(error)).lower()) from error


class Delivery:
    """Puts files into one folder and keeps its record. `resolved` is where the folder led when the job began.

    Raises OutputMoved when it leads elsewhere.
    """

    def __init__(self, state_dir: Path, folder: Path, resolved: str) -> None:
        self._state_dir = state_dir
        self.folder = folder
        self._resolved = resolved
        self._place = self._look()

    def stay(self) -> None:
        """Look again, before each file: raise OutputMoved when the folder was swapped for another, or for a link."""
        if self._look() != self._place:
            raise OutputMoved(self.folder)

    def _look(self) -> tuple[int, int]:
        """Which folder of the disk it is."""
        if os.path.realpath(self.folder) != self._resolved:
            raise OutputMoved(self.folder)
        try:
            seen = os.stat(self._resolved)
        except OSError as error:
            raise OutputMoved(self.folder) from error
        return seen.st_dev, seen.st_ino

    def expect(self, targets: Iterable[Path]) -> None:
        """Say what is about to be written, before it is: after a crash these are still ours. Raises OutputExists."""
        named = list(targets)
        for target in named:
            _check_ours(self._state_dir, target)
            sweep(target)
        _amend(self._state_dir, {target: "" for target in named})

    def delivered(self, targets: Mapping[Path, str]) -> None:
        """Record what was written, by sha256."""
        self.stay()
        _amend(self._state_dir, targets)


def sweep(target: Path) -> None:
    """Away with what processes of this machine that were killed left half written beside a target."""
    if not target.parent.is_dir():
        return
    for path in list(target.parent.iterdir()):
        writer = writer_of(path, target)
        if writer and not alive(writer):
            files.remove(path)


def sweep_folder(state_dir: Path, folder: Path) -> None:
    """The same for every file that the engine ever meant to put into a folder."""
    for name in _record(state_dir, folder):
        sweep(folder / name)


def tree_sha256(path: Path) -> str:
    """sha256 of a file, or of a folder's names and contents."""
    if not path.is_dir():
        return files.file_sha256(path)
    inner = [(str(child.relative_to(path)), files.file_sha256(child)) for child in sorted(path.rglob("*"))]
    return files.digest(inner)


def _check_ours(state_dir: Path, target: Path) -> None:
    if not os.path.lexists(target):
        return
    known = _record(state_dir, target.parent).get(target.name)
    ours = known is not None and not target.is_symlink() and (known == "" or known == tree_sha256(target))
    if not ours:
        raise OutputExists(target)


def _amend(state_dir: Path, targets: Mapping[Path, str]) -> None:
    for folder in {target.parent for target in targets}:
        record = _record(state_dir, folder)
        record |= {target.name: sha256 for target, sha256 in targets.items() if target.parent == folder}
        path = _record_path(state_dir, folder)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_json(path, {"folder": str(folder), "files": record})


def _record(state_dir: Path, folder: Path) -> dict[str, str]:
    body = files.read_json(_record_path(state_dir, folder))
    found = (body or {}).get("files", {})
    return dict(found) if isinstance(found, dict) else {}


def _record_path(state_dir: Path, folder: Path) -> Path:
    name = hashlib.sha256(os.path.realpath(folder).encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir / "outputs" / f"{name}.json"
