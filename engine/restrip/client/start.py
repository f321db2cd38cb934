"""Starting the engine so that it outlives the process that started it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from restrip.client.build import is_whole
from restrip.client.discovery import StateFolder, recorded_start, run_folder, state_dir
from restrip.client.origin import set_up
from restrip.errors import RestripError
from restrip.storage.atomic import aside_of, write_whole

# Windows' process creation flags; the module subprocess has them there only.
_NEW_PROCESS_GROUP = 0x00000200
_BREAKAWAY_FROM_JOB = 0x01000000
_NO_WINDOW = 0x08000000

_EDITORS_VARIABLES = ("PYTHON", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_", "VIRTUAL_ENV", "QT_", "OCIO")

ROOM_BYTES = 1 << 16

_started: list[subprocess.Popen[bytes]] = []


class EngineMissing(RestripError):
    """No engine is installed where the front-end can find it."""

    code = "engine-missing"

    def __init__(self) -> None:
        install, begin = set_up()
        super().__init__(
            "The Restrip engine isn't installed, or never ran here.",
            f"Install it once with: {install} and then run: {begin}",
        )


def engine_argv() -> tuple[str, ...]:
    """The command that starts the engine. Raises EngineMissing.

    The engine installed with this very package comes first, so that a newer front-end starts the newer engine;
    then the one that ran here before; then a `restrip-engine` on the search path.
    """
    if importlib.util.find_spec("restrip.service") is not None and sys.executable:
        return (sys.executable, "-m", "restrip.service")
    recorded = recorded_start()
    if recorded and shutil.which(recorded[0]):
        return recorded
    found = shutil.which("restrip-engine")
    if found:
        return (found,)
    raise EngineMissing


def record_start(argv: Sequence[str], folder: Path | None = None) -> None:
    """Note in the run folder how the engine here is started, and installed, for an editor with only a front-end."""
    body = {"argv": list(argv), "set_up": set_up()}
    write_whole((folder or run_folder()) / "start.json", json.dumps(body, indent=1).encode(), mode=0o600)


def clean_environment(argv: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for the engine: without the editor's Python and library variables.

    An engine under the very interpreter that runs here keeps everything.
    """
    if argv and argv[0] == sys.executable:
        return dict(environment)
    return {name: value for name, value in environment.items() if not name.upper().startswith(_EDITORS_VARIABLES)}


def detached(platform: str = sys.platform) -> dict[str, Any]:
    """The arguments of Popen that cut the engine loose from its starter.

    POSIX: a session of its own, and the engine forks once more, so that nobody has to wait for it. Windows: a
    console that nobody sees (the worker shares it), a group of its own, and out of the editor's job object, which
    would end it with the editor.
    """
    if platform == "win32":
        return {"creationflags": _NO_WINDOW | _NEW_PROCESS_GROUP | _BREAKAWAY_FROM_JOB}
    return {"start_new_session": True}


def start_engine(argv: Sequence[str] | None = None) -> None:
    """Start the engine detached, its output going to engine.log. Returns at once. Raises EngineMissing, StateFolder."""
    argv = [*(argv or engine_argv()), "--detach"]
    log = run_folder() / "engine.log"
    try:
        _try_room(log.parent)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StateFolder(log.parent, error) from error
    try:
        child = _spawn(argv, descriptor, detached())
    finally:
        os.close(descriptor)
    if os.name == "posix":
        if child.wait() != 0 and not is_whole():
            raise EngineMissing
    else:
        _started.append(child)


def _try_room(folder: Path) -> None:
    """Write what an engine writes at its start, and take it away: on a full disk it could not even say why it ends."""
    attempt = aside_of(folder / "room")
    try:
        attempt.write_bytes(bytes(ROOM_BYTES))
    finally:
        attempt.unlink(missing_ok=True)


def _spawn(argv: Sequence[str], log: int, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    environment = clean_environment(argv, os.environ)
    if environment.get("RESTRIP_STATE_DIR", "").strip():
        environment["RESTRIP_STATE_DIR"] = str(state_dir())  # As it is meant here: the engine runs in another folder.
    common: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": log,
        "close_fds": True,
        "cwd": str(run_folder()),
        "env": environment,
    }
    try:
        return subprocess.Popen(argv, **common, **options)
    except FileNotFoundError as error:
        raise EngineMissing from error
    except OSError:
        # A job object may forbid breaking away: better an engine that ends with the editor than none.
        flags = options.get("creationflags", 0)
        if not flags & _BREAKAWAY_FROM_JOB:
            raise
        return subprocess.Popen(argv, **common, creationflags=flags & ~_BREAKAWAY_FROM_JOB)
