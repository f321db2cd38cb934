"""Files in folders of the user's: named, checked before work starts, and never written over when they aren't ours.

A folder's record, <state>/outputs/<hash of the folder>.json, names the files that the engine put there with their
sha256, and before one gets its name also that of the new content; with "" the engine means to write one. What isn't in
it with this content is somebody else's, whenever it appeared.

write aside ── is the name free, or ours? ── record its sha256 ── take the name
"""

from __future__ import annotations

import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from restrip.errors import BadInput
from restrip.media.files import OutputUnwritable, disk_errors
from restrip.storage import json_files
from restrip.storage.atomic import aside_of, replace, sync_folder, writer_of
from restrip.storage.processes import alive
from restrip.timeline import Key


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
    """An output folder was deleted, or its path leads elsewhere than when the job began."""

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


def strip_name(index: int, key: Key, extension: str, *, draft: bool = False) -> str:
    """The name of a key's strip: strip-000-frame-00045.mp4, a draft's draft-000-frame-00045.mp4, for editors call clips
    by their files' names; a folder of pictures has no extension.
    """
    return f"{'draft' if draft else 'strip'}-{index:03d}-frame-{key.frame:05d}{extension}"


def baked_name(extension: str, *, draft: bool = False) -> str:
    """The name of the baked movie."""
    return f"{'draft-baked' if draft else 'baked'}{extension}"


def check_place(state_dir: Path, folder: Path, targets: Collection[Path]) -> Path:
    """Check that results can be written into `folder`, and that no target is a file of the user's own.

    Returns the folder's resolved path. Raises OutputUnwritable, OutputExists.
    """
    own = state_dir / "jobs"
    for place in (folder, *(target.parent for target in targets)):
        if _is_inside(place, state_dir) and not (_is_inside(place, own) and place.name == "result"):
            raise OutputUnwritable(str(place), "it is the engine's own folder")
    resolved = try_folder(folder)
    for parent in sorted({target.parent for target in targets} - {folder}):
        try_folder(parent)
    for target in targets:
        _check_ours(state_dir, target)
    return resolved


def _is_inside(place: Path, folder: Path) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder))


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
        self._made: dict[Path, str] = {}

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
        """Look at all that is about to be written, before anything is, and note the names: what a killed worker leaves
        half written for them is found by that. Raises OutputExists.
        """
        named = list(targets)
        for target in named:
            _check_ours(self._state_dir, target)
            sweep(target)
        _amend(self._state_dir, {target: _known(self._state_dir, target) for target in named})

    def put(self, target: Path, write: Callable[[Path], object]) -> str:
        """Have `write` make a file, or a folder of pictures, aside, and give it its name; its sha256.

        Raises OutputExists when something that isn't ours has that name by then, OutputMoved, and what writing raises.
        """
        self.stay()
        aside = aside_of(target)
        try:
            with disk_errors(str(target)):
                target.parent.mkdir(parents=True, exist_ok=True)
                aside.mkdir()
            write(aside / target.name)
            sha256 = tree_sha256(aside / target.name)
            self.stay()
            _check_ours(self._state_dir, target)
            # Both are ours: which of them is there after a crash isn't known.
            _amend(self._state_dir, {target: f"{_known(self._state_dir, target)} {sha256}".strip()})
            with disk_errors(str(target)):
                _take_name(aside / target.name, target)
        finally:
            json_files.remove(aside)
        self._made[target] = sha256
        return sha256

    def delivered(self) -> None:
        """All is in place: what was there before isn't ours any more, should it come back."""
        self.stay()
        _amend(self._state_dir, self._made)


def _take_name(made: Path, target: Path) -> None:
    """Give a file its name: over one of ours, and where there was none only as long as there is none."""
    if made.is_dir():
        json_files.remove(target)  # Ours; a folder isn't replaced by a rename.
        replace(made, target)
    elif os.path.lexists(target):
        replace(made, target)
    else:
        try:
            os.link(made, target)
        except FileExistsError:
            raise OutputExists(target) from None
        except OSError:  # A disk without links.
            replace(made, target)
    sync_folder(target.parent)


def sweep(target: Path) -> None:
    """Remove files that killed processes of this machine left half written beside a target."""
    if not target.parent.is_dir():
        return
    for path in list(target.parent.iterdir()):
        writer = writer_of(path, target)
        if writer and not alive(writer):
            json_files.remove(path)


def sweep_folder(state_dir: Path, folder: Path) -> None:
    """The same for every file that the engine ever meant to put into a folder."""
    for name in _record(state_dir, folder):
        sweep(folder / name)


def tree_sha256(path: Path) -> str:
    """sha256 of a file, or of a folder's names and contents."""
    if not path.is_dir():
        return json_files.file_sha256(path)
    inner = [(str(child.relative_to(path)), _own_sha256(child)) for child in sorted(path.rglob("*"))]
    return json_files.digest(inner)


def _own_sha256(child: Path) -> str:
    """Of what lies in a folder of ours; what the engine doesn't put there has none."""
    return json_files.file_sha256(child) if stat.S_ISREG(os.lstat(child).st_mode) else "somebody else's"


def _check_ours(state_dir: Path, target: Path) -> None:
    if not os.path.lexists(target):
        return
    known = _known(state_dir, target)
    if not known or not _is_plain(target) or tree_sha256(target) not in known.split():
        raise OutputExists(target)


def _known(state_dir: Path, target: Path) -> str:
    """The hashes of what may be there of ours, with spaces between; "" for nothing."""
    return _record(state_dir, target.parent).get(target.name, "")


def _is_plain(target: Path) -> bool:
    """Whether this is a file or a folder, not a link to one, a pipe or a device."""
    mode = os.lstat(target).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _amend(state_dir: Path, targets: Mapping[Path, str]) -> None:
    for folder in {target.parent for target in targets}:
        record = _record(state_dir, folder)
        record |= {target.name: sha256 for target, sha256 in targets.items() if target.parent == folder}
        path = _record_path(state_dir, folder)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        json_files.write_json(path, {"folder": str(folder), "files": record})


def _record(state_dir: Path, folder: Path) -> dict[str, str]:
    body = json_files.read_json(_record_path(state_dir, folder))
    found = (body or {}).get("files", {})
    return dict(found) if isinstance(found, dict) else {}


def _record_path(state_dir: Path, folder: Path) -> Path:
    name = hashlib.sha256(os.path.realpath(folder).encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir / "outputs" / f"{name}.json"
