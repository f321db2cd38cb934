"""Finding the engine's command on this machine, and saying how to install it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from restrip.client.discovery import recorded_start
from restrip.client.origin import set_up

COMMAND = "restrip-engine"


def install_line() -> str:
    """What to paste into a terminal, once."""
    return " && ".join(set_up())


def engine_command(chosen: str = "") -> tuple[str, ...]:
    """The command that starts the engine; empty when none is found.

    `chosen` is the user's own choice: the program, or the folder of the environment that it is installed in. Then
    comes what ran here before, then the search path, then where pip, pipx, uv and Homebrew put programs: an editor
    that was started from a desktop doesn't have the terminal's search path.
    """
    if chosen.strip():
        return _chosen(Path(os.path.expanduser(chosen.strip())))
    recorded = recorded_start()
    if recorded and shutil.which(recorded[0]):
        return recorded
    found = shutil.which(COMMAND) or shutil.which(COMMAND, path=os.pathsep.join(map(str, _usual_folders())))
    return (found,) if found else ()


def _chosen(path: Path) -> tuple[str, ...]:
    if path.is_dir():
        folders = [path, path / "bin", path / "Scripts"]
        found = shutil.which(COMMAND, path=os.pathsep.join(map(str, folders)))
        return (found,) if found else ()
    if path.name.lower().startswith("python"):
        return (str(path), "-m", "restrip.service")
    if path.is_file() and path.stem == "restrip":
        return _chosen(path.parent)
    return (str(path),) if path.is_file() else ()


def _usual_folders() -> Iterator[Path]:
    home = Path.home()
    if sys.platform == "win32":
        local = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
        roaming = Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
        yield home / ".local" / "bin"
        for python in (local / "Programs" / "Python", roaming / "Python"):
            yield from sorted(python.glob("Python3*/Scripts"), reverse=True)
        return
    yield home / ".local" / "bin"
    if sys.platform == "darwin":
        yield from sorted((home / "Library" / "Python").glob("3.*/bin"), reverse=True)
        yield Path("/opt/homebrew/bin")
    yield Path("/usr/local/bin")
