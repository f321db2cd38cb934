"""Which Python Resolve runs scripts with: its own since 21.1, before that one that it finds on the system."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from restrip.errors import BadInput

OLDEST = (3, 11)
"""The scripts run in Resolve's own Python from here on; an older one hands them on to restrip's."""

OWN = {
    "win32": (r"C:\Program Files\Blackmagic Design\DaVinci Resolve\ResolvePython\ResolvePython.exe",),
    "darwin": ("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Applications/ResolvePython",),
    "linux": ("/opt/resolve/bin/ResolvePython",),
}
FOUND = {
    "win32": (),
    "darwin": (
        "/usr/local/bin/python3",
        "/Library/Frameworks/Python.framework/Versions/Current/bin/python3",
        "/opt/homebrew/bin/python3",
    ),
    "linux": ("/usr/bin/python3",),
}


class NoPython(BadInput):
    """A file that is no Python."""

    code = "no-python"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} is no Python that starts: {why}.", "Give the interpreter's file with --python.")


@dataclass(frozen=True)
class Python:
    """An interpreter: its file, its version ("3.11"), and for what machine it is built."""

    path: str
    version: str
    machine: str

    @property
    def can_run_here(self) -> bool:
        """Whether the scripts can run in it, given pyzmq."""
        major, minor = self.version.split(".")
        return (int(major), int(minor)) >= OLDEST


def look_at(path: str) -> Python:
    """Ask an interpreter what it is. Raises NoPython."""
    code = (
        "import json, platform, sys;print(json.dumps([sys.executable, list(sys.version_info[:2]), platform.machine()]))"
    )
    try:
        done = subprocess.run([path, "-c", code], capture_output=True, text=True, timeout=60, check=False)
        executable, version, machine = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPython(path, str(error)) from None
    except ValueError:
        raise NoPython(path, (done.stderr or done.stdout).strip()[-200:] or "it says nothing") from None
    return Python(str(executable or path), f"{version[0]}.{version[1]}", str(machine))


def found_python(platform: str, environment: Mapping[str, str]) -> Python | None:
    """The first one that Resolve would take, newest Resolve first; None when there is none."""
    for path in candidates(platform, environment):
        if not Path(path).is_file():
            continue
        try:
            return look_at(path)
        except NoPython:
            continue
    return None


def candidates(platform: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Where to look, in order."""
    system = platform if platform in OWN else "linux"
    yield from OWN[system]
    home = environment.get("PYTHON3HOME", "").strip()
    if home:
        names = ("python.exe",) if system == "win32" else ("bin/python3", "python3")
        yield from (os.path.join(home, name) for name in names)
    if sys.platform == "win32" and system == "win32":
        yield from _registered()
    yield from FOUND[system]


def _registered() -> Iterator[str]:
    """The interpreters that Windows' registry knows, newest first."""
    import winreg

    found = []
    for root in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):  # type: ignore[attr-defined,unused-ignore]
        try:
            with winreg.OpenKey(root, r"Software\Python\PythonCore") as core:  # type: ignore[attr-defined,unused-ignore]
                names = [winreg.EnumKey(core, n) for n in range(winreg.QueryInfoKey(core)[0])]  # type: ignore[attr-defined,unused-ignore]
                for name in names:
                    path = winreg.QueryValue(core, rf"{name}\InstallPath")  # type: ignore[attr-defined,unused-ignore]
                    version = tuple(int(part) for part in name.split("-")[0].split(".") if part.isdigit())
                    found.append((version, os.path.join(path, "python.exe")))
        except OSError:
            continue
    yield from (path for _, path in sorted(found, reverse=True))
