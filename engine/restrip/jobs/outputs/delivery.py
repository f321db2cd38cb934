"""Files in folders of the user's: named, checked before work starts, and never written over when they aren't ours.

Which are ours is on record (`restrip.storage.owned_files`).

write aside ── is the name free, or ours? ── record its sha256 ── take the name
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from restrip.errors import BadInput
from restrip.media.files import OutputUnwritable, disk_errors
from restrip.storage import json_files
from restrip.storage.atomic import aside_of, replace, sync_folder, writer_of
from restrip.storage.owned_files import OutputExists, check_own, claim, note_own, own_content, own_names, tree_sha256
from restrip.storage.processes import alive
from restrip.storage.texts import words
from restrip.timeline import Key


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
        check_own(state_dir, target)
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
        raise OutputUnwritable(str(folder), words(error)) from error


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
            check_own(self._state_dir, target)
            sweep(target)
        note_own(self._state_dir, {target: own_content(self._state_dir, target) for target in named})

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
            claim(self._state_dir, target, sha256)
            with disk_errors(str(target)):
                _take_name(aside / target.name, target)
        finally:
            json_files.remove(aside)
        self._made[target] = sha256
        return sha256

    def delivered(self) -> None:
        """All is in place: what was there before isn't ours any more, should it come back."""
        self.stay()
        note_own(self._state_dir, self._made)


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
    for name in own_names(state_dir, folder):
        sweep(folder / name)
