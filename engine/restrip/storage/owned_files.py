"""Which files in folders of the user's are Restrip's own: only those are written over.

A folder's record, <state>/outputs/<hash of the folder>.json, names the files that Restrip put there with their sha256,
and before one gets its name also that of the new content; with "" it means to write one. What isn't in it with this
content is somebody else's, whenever it appeared.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from restrip.errors import BadInput
from restrip.storage import json_files
from restrip.storage.atomic import write_whole


class OutputExists(BadInput):
    """A file of the same name is there already and isn't Restrip's."""

    code = "output-exists"

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is there already, and Restrip didn't write it or it was changed since.",
            "Choose another folder, or move that file away.",
            path=str(path),
        )


def check_own(state_dir: Path, target: Path) -> None:
    """Raise OutputExists when `target` is there and isn't a file or folder of Restrip's own, as it was written."""
    if not os.path.lexists(target):
        return
    known = own_content(state_dir, target)
    if not known or not _is_plain(target) or tree_sha256(target) not in known.split():
        raise OutputExists(target)


def own_content(state_dir: Path, target: Path) -> str:
    """The hashes of what may be there of Restrip's own, with spaces between; "" for nothing."""
    return own_names(state_dir, target.parent).get(target.name, "")


def own_names(state_dir: Path, folder: Path) -> dict[str, str]:
    """The names that Restrip ever wrote, or meant to write, in a folder, each with its hashes."""
    body = json_files.read_json(_record_path(state_dir, folder))
    found = (body or {}).get("files", {})
    return dict(found) if isinstance(found, dict) else {}


def note_own(state_dir: Path, targets: Mapping[Path, str]) -> None:
    """Keep the hashes of what is now, or is about to be, Restrip's own."""
    for folder in {target.parent for target in targets}:
        record = own_names(state_dir, folder)
        record |= {target.name: sha256 for target, sha256 in targets.items() if target.parent == folder}
        path = _record_path(state_dir, folder)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        json_files.write_json(path, {"folder": str(folder), "files": record})


def claim(state_dir: Path, target: Path, sha256: str) -> None:
    """`target` is about to get this content. Raises OutputExists as `check_own` does."""
    check_own(state_dir, target)
    # Both are ours: which of them is there after a crash isn't known.
    note_own(state_dir, {target: f"{own_content(state_dir, target)} {sha256}".strip()})


def write_own(state_dir: Path, target: Path, content: bytes) -> None:
    """Write a file into a folder of the user's, which is made if it is missing.

    Raises OutputExists when another's file has the name, and OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256(content).hexdigest()
    claim(state_dir, target, sha256)
    write_whole(target, content)
    note_own(state_dir, {target: sha256})


def tree_sha256(path: Path) -> str:
    """sha256 of a file, or of a folder's names and contents."""
    if not path.is_dir():
        return json_files.file_sha256(path)
    inner = [(str(child.relative_to(path)), _own_sha256(child)) for child in sorted(path.rglob("*"))]
    return json_files.digest(inner)


def _own_sha256(child: Path) -> str:
    """Of what lies in a folder of ours; what Restrip doesn't put there has none."""
    return json_files.file_sha256(child) if stat.S_ISREG(os.lstat(child).st_mode) else "somebody else's"


def _is_plain(target: Path) -> bool:
    """Whether this is a file or a folder, not a link to one, a pipe or a device."""
    mode = os.lstat(target).st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _record_path(state_dir: Path, folder: Path) -> Path:
    name = hashlib.sha256(os.path.realpath(folder).encode("utf-8", "surrogateescape")).hexdigest()
    return state_dir / "outputs" / f"{name}.json"
