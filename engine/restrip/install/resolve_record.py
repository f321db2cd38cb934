"""What an installation of the Resolve scripts put where, and its removal.

<Fusion>/Restrip/installed.json     every file of the installation, and the folders that were made for it
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput

RECORD = "installed.json"


class NotInstalled(BadInput):
    """Nothing to uninstall."""

    code = "not-installed"

    def __init__(self, home: Path) -> None:
        super().__init__(f"There is no installation in {home}.", "Nothing was changed.")


class BrokenRecord(BadInput):
    """The list of what was installed can't be read, so it isn't known what to remove."""

    code = "broken-record"

    def __init__(self, record: Path, why: str) -> None:
        super().__init__(
            f"{record}, the list of what was installed, can't be read: {why}.",
            "Run `restrip install resolve`, which writes it anew, and then with --uninstall.",
            path=str(record),
        )


@dataclass(frozen=True)
class Folders:
    """Where things go: the menu scripts, and the folder that they use."""

    scripts: Path
    home: Path


def folders_of(platform: str, home: Path, environment: Mapping[str, str]) -> Folders:
    """The folders of one user, by operating system."""
    if platform == "win32":
        roaming = environment.get("APPDATA", "").strip()
        base = Path(roaming) if roaming else home / "AppData" / "Roaming"
        fusion = base / "Blackmagic Design" / "DaVinci Resolve" / "Support" / "Fusion"
    elif platform == "darwin":
        fusion = home / "Library" / "Application Support" / "Blackmagic Design" / "DaVinci Resolve" / "Fusion"
    else:
        fusion = home / ".local" / "share" / "DaVinciResolve" / "Fusion"
    return Folders(fusion / "Scripts" / "Edit", fusion / "Restrip")


def write_record(folders: Folders, files: Iterable[Path], made: Iterable[Path], facts: Mapping[str, Any]) -> None:
    """Write down the files of an installation, the folders that were made for it, and facts about it."""
    body = {**facts, "files": [str(file) for file in files], "made": [str(folder) for folder in made]}
    (folders.home / RECORD).write_text(json.dumps(body, indent=1), "utf-8")


def _read_record(record: Path) -> tuple[list[Path], list[Path]]:
    """The files of the installation, and the folders that were made for it. Raises BrokenRecord."""
    try:
        body = json.loads(record.read_text("utf-8"))
        lists = body["files"], body["made"]
        if not all(isinstance(name, str) for names in lists for name in names):
            raise TypeError("names are no texts")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenRecord(record, f"{type(error).__name__} {error}") from error
    return [Path(name) for name in lists[0]], [Path(name) for name in lists[1]]


def uninstall(folders: Folders) -> dict[str, Any]:
    """Remove the files of the installation, what Python made of them, and folders that are empty then.

    Raises NotInstalled, BrokenRecord.
    """
    record = folders.home / RECORD
    if not record.exists():
        raise NotInstalled(folders.home)
    files, made = _read_record(record)
    parents = {
        parent for file in [*files, record] for parent in file.parents if folders.home in (parent, *parent.parents)
    }
    for file in [*files, record]:
        file.unlink(missing_ok=True)
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()
    parents |= {parent / "__pycache__" for parent in parents}
    for folder in sorted({*parents, *made}, key=lambda path: len(path.parts), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    return {
        "removed": [str(file) for file in files],
        "sentences": [f"{len(files)} files were removed. Settings, logs and results are still there."],
    }
