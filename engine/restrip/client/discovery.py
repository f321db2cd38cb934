"""Where the engine keeps its things, and how a front-end finds it.

<state>/run/           0700
    engine.lock        held by the engine for life
    engine.json        0600: endpoints and keys of the engine that runs
    start.json         how to start it
    engine.log
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.errors import RestripError
from restrip.storage.texts import words

NOT_STARTED = "engine not started"
"""The event in the log of an engine whose folders can't be used."""


class UnsafeFolder(RestripError):
    """The engine's folder or connection file is open to other users."""

    code = "unsafe-folder"

    def __init__(self, path: Path, why: str, remedy: str = "") -> None:
        super().__init__(
            f"{path} {why}, so the engine can't be trusted.",
            remedy or f"Make it yours alone (chmod go-rwx '{path}') and try again.",
            path=str(path),
        )


class StateFolder(RestripError):
    """The folder where Restrip keeps its things can't be made, read or written."""

    code = "state-folder"

    def __init__(self, path: Path | str, why: OSError | str) -> None:
        reason = why if isinstance(why, str) else words(why)
        full = isinstance(why, OSError) and why.errno in (errno.ENOSPC, errno.EDQUOT)
        first = "Make room on its disk" if full else "Make that folder writable for you"
        super().__init__(
            f"Restrip can't keep its things in {path}: {reason}.",
            f"{first}, or name another one: RESTRIP_STATE_DIR=FOLDER.",
            path=str(path),
            why=reason,
        )


@dataclass(frozen=True)
class Connection:
    """The content of engine.json. `stopped` is "" while the engine runs or after a crash, "clean" after a clean end."""

    engine_id: str
    protocol: str = ""
    engine_version: str = ""
    pid: int = 0
    requests: str = ""
    events: str = ""
    server_key: str = ""
    client_public: str = ""
    client_secret: str = field(default="", repr=False)
    argv: tuple[str, ...] = ()
    started: float = 0.0
    stopped: str = ""

    def to_json(self) -> dict[str, Any]:
        """As engine.json holds it."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Connection:
        """Read engine.json; unknown fields are ignored. Raises Misfit."""
        return codec.read(cls, body)


def state_dir(platform: str = sys.platform) -> Path:
    """The folder of everything that outlives a run; the environment variable RESTRIP_STATE_DIR overrides it.

    Raises StateFolder when the system knows no such place.
    """
    override = os.environ.get("RESTRIP_STATE_DIR", "").strip()
    try:
        return Path(override).expanduser().absolute() if override else _own_folder(platform)
    except (RuntimeError, OSError) as error:  # No such user, no home, or no present folder.
        raise StateFolder(override or "the home folder", str(error).rstrip(".").lower()) from error


def _own_folder(platform: str) -> Path:
    if platform == "win32":
        local = os.environ.get("LOCALAPPDATA", "").strip()
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "restrip"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "restrip"
    given = os.environ.get("XDG_STATE_HOME", "").strip()
    return (Path(given) if os.path.isabs(given) else Path.home() / ".local" / "state") / "restrip"


def run_folder() -> Path:
    """The folder of the running engine: <state>/run, made when missing. Raises UnsafeFolder, StateFolder."""
    return private_folder(state_dir() / "run")


def private_folder(path: Path) -> Path:
    """Make `path` a folder of this user alone (0700), or check that it is. Raises UnsafeFolder, StateFolder.

    The folder above it must not be writable by others, who could put another in its place.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists() and not path.is_symlink():
            path.mkdir(mode=0o700, exist_ok=True)
        check_private(path)
        if _posix() and path.parent.stat().st_mode & 0o022:
            raise UnsafeFolder(
                path.parent,
                "can be written to by other users",
                f"Close it to them (chmod go-w '{path.parent}') and try again.",
            )
    except OSError as error:
        raise StateFolder(path.parent, error) from error
    if not path.is_dir():
        raise StateFolder(path, "it is no folder")
    return path


def check_private(path: Path) -> None:
    """Raise UnsafeFolder unless `path` is this user's own and closed to others. Windows: the profile's rights do it."""
    if not _posix():
        return
    seen = path.lstat()
    if stat.S_ISLNK(seen.st_mode):
        raise UnsafeFolder(
            path,
            f"is a link (to {os.path.realpath(path)})",
            f"Put a real file or folder in its place: remove the link ({path}), and it is made anew. To keep "
            "everything on another drive, set RESTRIP_STATE_DIR to a folder there.",
        )
    if seen.st_uid != os.geteuid():
        raise UnsafeFolder(
            path,
            "belongs to another user",
            "Set RESTRIP_STATE_DIR to a folder of your own, or have its owner give it to you (chown), and try again.",
        )
    if seen.st_mode & 0o077:
        raise UnsafeFolder(path, "is open to other users")


def read_connection() -> Connection | None:
    """What engine.json says; None when there is none or it can't be read. Raises UnsafeFolder."""
    body = _read_object(run_folder() / "engine.json")
    if body is None:
        return None
    try:
        return Connection.from_json(body)
    except codec.Misfit:
        return None


def recorded(name: str) -> Any:
    """A field of start.json, as the installer or the last engine wrote it; None without one."""
    return (_read_object(run_folder() / "start.json") or {}).get(name)


def recorded_start() -> tuple[str, ...]:
    """How the engine was last started; empty when it never was here."""
    argv = recorded("argv")
    return tuple(argv) if isinstance(argv, list) and all(isinstance(part, str) for part in argv) else ()


def start_trouble(since: float) -> tuple[str, str] | None:
    """(what, remedy) of an engine that couldn't start after `since` (seconds since 1970), as its log has it."""
    for line in log_tail(1):
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            said = json.loads(line)
            if isinstance(said, dict) and said.get("event") == NOT_STARTED and said["time"] >= _log_time(since):
                return str(said.get("why", "")), str(said.get("remedy", ""))
    return None


def _log_time(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"


def log_tail(lines: int = 30) -> list[str]:
    """The last lines of the engine's log; none when it has not written one."""
    try:
        with open(run_folder() / "engine.log", "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def _posix() -> bool:
    return os.name == "posix"


def _read_object(path: Path) -> dict[str, Any] | None:
    try:
        check_private(path)
        body = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
