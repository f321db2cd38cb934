"""`restrip install resolve`: menu scripts where Resolve looks for them, and beside them all that they need.

<Fusion>/Scripts/Edit/Restrip - *.py     one a menu entry, with the folder below baked in
<Fusion>/Restrip/                        the scripts' package, restrip.client and restrip.timeline, pyzmq
    restrip.lua                          for Resolve's Lua console, where the menu lists no Python scripts
    installed.json                       every file of this installation: --uninstall removes exactly these
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import restrip
from restrip.client import start
from restrip.errors import BadInput
from restrip.install import resolve_lua
from restrip.install.resolve_files import copy_packages, copy_zmq, front_end, write_menu
from restrip.install.resolve_python import Python, found_python, look_at
from restrip.install.resolve_record import RECORD, BrokenRecord, Folders, folders_of, uninstall, write_record
from restrip.storage.texts import words

HELP = "menu scripts for DaVinci Resolve"


class InTheWay(BadInput):
    """Something lies where the scripts have to go, or the folder can't be written."""

    code = "in-the-way"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"The scripts can't be put in place: {path}: {why}.",
            "Move what lies there away, or give yourself the right to write there, and install again.",
            path=path,
        )


@dataclass(frozen=True)
class Installation:
    """What to install: where, for which Python, and whether the live check gets a menu entry."""

    folders: Folders
    python: Python | None
    live_check: bool = False
    interpreter: str = field(default_factory=lambda: sys.executable)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument("--uninstall", action="store_true", help="remove what was installed, and nothing else")
    parser.add_argument("--python", metavar="FILE", help="the Python that Resolve runs scripts with (default: found)")
    parser.add_argument(
        "--live-check",
        action="store_true",
        help="also a menu entry that checks this Resolve (docs/resolve-live-check.md)",
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Install or uninstall for this user; returns what lies where, and sentences to say. Raises RestripError."""
    folders = folders_of(sys.platform, Path.home(), os.environ)
    if options.uninstall:
        return uninstall(folders)
    python = look_at(options.python) if options.python else found_python(sys.platform, os.environ)
    return install(Installation(folders, python, options.live_check))


def install(plan: Installation) -> dict[str, Any]:
    """Put everything in place and try it on Resolve's Python; an older installation is replaced.

    Raises NoFrontEnd, and InTheWay when the folders can't be written.
    """
    try:
        files = _put_in_place(plan, front_end())
    except OSError as error:
        raise InTheWay(str(error.filename or plan.folders.home), words(error)) from error
    folders = plan.folders
    _record_start(plan.interpreter)
    where, why = _try(plan)
    return {
        "scripts": str(folders.scripts),
        "home": str(folders.home),
        "python": plan.python.path if plan.python else None,
        "python_version": plan.python.version if plan.python else None,
        "runs": where,
        "files": [str(file) for file in files],
        "sentences": _sentences(plan, where, why),
    }


def _put_in_place(plan: Installation, source: Path) -> list[Path]:
    folders = plan.folders
    if (folders.home / RECORD).exists():
        with contextlib.suppress(BrokenRecord):  # What it listed is written over, and the list anew.
            uninstall(folders)
    needed = folders.scripts, folders.home, resolve_lua.exported_folder()
    made = [missing for folder in needed for missing in _missing(folder)]
    for folder in needed:
        folder.mkdir(parents=True, exist_ok=True)
    files = copy_packages(source, folders.home)
    files += copy_zmq(plan.python, folders.home) if plan.python else []
    files += write_menu(folders, plan.live_check)
    files.append(resolve_lua.write(source, folders.home, plan.interpreter))
    facts = {
        "version": restrip.__version__,
        "python": plan.interpreter,
        "resolve_python": plan.python.path if plan.python else None,
    }
    write_record(folders, files, made, facts)
    return files


def _record_start(interpreter: str) -> None:
    """How the engine is started by scripts that run where it isn't installed: by this installation from now on."""
    start.record_start([interpreter, "-m", "restrip.service"])


def _try(plan: Installation) -> tuple[str, str]:
    """Have Resolve's Python say where scripts would run; the engine's own Python stands in for an unknown one."""
    python = plan.python.path if plan.python else plan.interpreter
    code = (
        f"import json, sys; sys.path.insert(0, {str(plan.folders.home)!r});"
        "from restrip_resolve import entry; print(json.dumps(entry.check()))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False, env=environment)
    try:
        where, why = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return "nowhere", (done.stderr or done.stdout).strip()[-500:]
    return str(where), str(why)


def _sentences(plan: Installation, where: str, why: str) -> list[str]:
    said = [f"The menu scripts are in {plan.folders.scripts}: Workspace > Scripts on Resolve's Edit page."]
    said += _of_stores(plan.folders, plan.python)
    if plan.python is None:
        said.append("No Python that Resolve would use was found: install one from python.org for versions before 21.1.")
    else:
        said.append(f"Resolve's Python is {plan.python.path} ({plan.python.version}).")
    if where == "here":
        said.append("The scripts run in it.")
    elif where == "there":
        said.append(f"The scripts run in {plan.interpreter} and call Resolve through it ({why or 'as configured'}).")
    else:
        said.append(f"The scripts don't start there: {why}. Name another with --python FILE.")
    said.append("Resolve finds new scripts at its next start.")
    said.append(
        "Where the menu doesn't list them (the free 21.1): open Workspace > Console, choose Lua, and paste"
        f" {resolve_lua.line(plan.folders.home)}"
    )
    return said


def _of_stores(folders: Folders, python: Python | None) -> list[str]:
    """What programs from a system's store can't do, where one of them is in use."""
    said = []
    for parent in folders.home.parents:
        for container in sorted(parent.glob("Library/Containers/com.blackmagic-design.DaVinciResolve*")):
            said.append(
                f"This Mac has a Resolve from the App Store ({container.name}): it is sandboxed, keeps scripts in"
                " its own container and may not start programs such as Restrip's engine. The menu entries are for the"
                " Resolve from Blackmagic Design's website; with the other one use `restrip resolve`."
            )
    if python is not None and "WindowsApps" in python.path:
        said.append(
            "That Python is from the Microsoft Store: Resolve can't load it. Install one from python.org (for all"
            " users), then run `restrip install resolve` again."
        )
    return said


def _missing(folder: Path) -> list[Path]:
    """The folders that have to be made for `folder`, outermost first."""
    return [path for path in (*reversed(folder.parents), folder) if not path.exists()]
