"""Bringing result files into the media pool: into a bin of our own, the user's current bin left as it was."""

from __future__ import annotations

from collections.abc import Iterable

from restrip.errors import RestripError
from restrip.timeline import BadRate, Rate
from restrip_resolve.api import Folder, MediaPoolItem, ResolveRefused, done, listed, need, uid
from restrip_resolve.journal import Journal
from restrip_resolve.ledger import normal
from restrip_resolve.session import Session

OWN_BIN = "Restrip"


class WrongMedia(RestripError):
    """Resolve reads a result file differently from how it was written."""

    code = "wrong-media"

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            f"Resolve reads {path} with {what}.",
            "Check that this Resolve supports the format (Restrip - Settings, `format`), then stylize again.",
            path=path,
        )


def import_files(session: Session, journal: Journal, name: str, files: Iterable[str]) -> dict[str, MediaPoolItem]:
    """The media pool items of result files, imported into the bin Restrip/`name` where they aren't there yet."""
    _keep_current_bin(session, journal)
    root = need(session.pool.GetRootFolder(), "give the root bin")
    own = _bin(session, journal, root, OWN_BIN)
    target = _bin(session, journal, own, name)
    there = clips_by_path(target)
    missing = [path for path in dict.fromkeys(files) if normal(path) not in there]
    if missing:
        before = {uid(item) for item in listed(target.GetClipList(), "list a bin")}
        journal.undo(f"The clips in the bin {name}", lambda: _remove_new(session, target, before))
        done(session.pool.SetCurrentFolder(target), f"open the bin {name}")
        if uid(need(session.pool.GetCurrentFolder(), "tell the current bin")) != uid(target):
            raise ResolveRefused(f"open the bin {name}")
        imported = listed(session.pool.ImportMedia(missing), f"import {len(missing)} files")
        # A file that the project had already may be answered with the item that it had.
        there = {**{_path(item): item for item in imported}, **clips_by_path(target)}
    for path in files:
        if normal(path) not in there:
            raise ResolveRefused(f"import {path}", remedy="Check that the file is there and its format is supported.")
    return {path: there[normal(path)] for path in files}


def check_media(item: MediaPoolItem, path: str, rate: Rate, frames: int) -> None:
    """Raise WrongMedia when Resolve's idea of the file's rate or length isn't the engine's."""
    played = str(item.GetClipProperty("FPS") or "")
    try:
        same = Rate.parse(played) == rate
    except BadRate:
        same = False
    if not same:
        raise WrongMedia(path, f"a rate of {played or 'nothing'} instead of {rate}")
    count = str(item.GetClipProperty("Frames") or "")
    if count and count != str(frames):
        raise WrongMedia(path, f"{count} frames instead of {frames}")


def _keep_current_bin(session: Session, journal: Journal) -> None:
    current = need(session.pool.GetCurrentFolder(), "tell the current bin")
    name = uid(current)

    def back() -> None:
        if uid(need(session.pool.GetCurrentFolder(), "tell the current bin")) == name:
            return
        session.pool.SetCurrentFolder(current)
        if uid(need(session.pool.GetCurrentFolder(), "tell the current bin")) != name:
            raise ResolveRefused("open the bin again that was open")

    journal.always("The current bin", back)


def _bin(session: Session, journal: Journal, parent: Folder, name: str) -> Folder:
    found = named_bin(parent, name)
    if found is not None:
        return found

    def remove() -> None:
        made = named_bin(parent, name)
        if made is not None:
            done(session.pool.DeleteFolders([made]), f"delete the bin {name}")
        if named_bin(parent, name) is not None:
            raise ResolveRefused(f"delete the bin {name}")

    journal.undo(f"The bin {name}", remove)
    need(session.pool.AddSubFolder(parent, name), f"make the bin {name}")
    made = named_bin(parent, name)
    if made is None:
        raise ResolveRefused(f"make the bin {name}")
    return made


def named_bin(parent: Folder, name: str) -> Folder | None:
    """The bin of this name in another, if there is one. Raises ResolveRefused."""
    return next((f for f in listed(parent.GetSubFolderList(), "list the bins") if f.GetName() == name), None)


def _remove_new(session: Session, target: Folder, before: set[str]) -> None:
    new = [item for item in listed(target.GetClipList(), "list a bin") if uid(item) not in before]
    if new:
        done(session.pool.DeleteClips(new), "delete imported clips")
    if any(uid(item) not in before for item in listed(target.GetClipList(), "list a bin")):
        raise ResolveRefused("delete imported clips")


def clips_by_path(folder: Folder) -> dict[str, MediaPoolItem]:
    """A bin's clips by their files' normal paths. Raises ResolveRefused."""
    return {_path(item): item for item in listed(folder.GetClipList(), "list a bin")}


def _path(item: MediaPoolItem) -> str:
    return normal(str(item.GetClipProperty("File Path") or ""))
