"""`restrip install resolve`: menu scripts where Resolve looks for them, and beside them all that they need.

<Fusion>/Scripts/Edit/Restrip - *.py     one a menu entry, with the folder below baked in
<Fusion>/Restrip/                        the scripts' package, restrip.client and restrip.timeline, pyzmq
    restrip.lua                          for Resolve's Lua console, where the menu lists no Python scripts
    installed.json                       every file of this installation: --uninstall removes exactly these
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import restrip
from restrip.client import start
from restrip.client.origin import install_line
from restrip.errors import BadInput, RestripError
from restrip.install import resolve_lua
from restrip.install.resolve_python import Python, found_python, look_at

HELP = "menu scripts for DaVinci Resolve"
PREFIX = "Restrip - "

# Kept beside the scripts: light, and importable on the Python that Resolve uses.
LIGHT = ("__init__.py", "errors.py", "progress.py", "client", "codec", "storage", "timeline")
HEAVY = {"editor_timeline.py", "otio.py"}

MENU_SCRIPT = """# {title}. Written by `restrip install resolve`, which replaces it.
import sys

HOME = {home!a}
if sys.version_info < (3, 6):
    print("Restrip: Resolve runs scripts with Python " + sys.version.split()[0] + "; Restrip needs 3.6 or newer.")
    print("Restrip: install Python 3 from python.org, start Resolve again, and run `restrip install resolve`.")
else:
    sys.path.insert(0, HOME)
    try:
        from restrip_resolve import entry
    except ImportError:
        print("Restrip: " + HOME + " is missing. Run `restrip install resolve` again.")
    else:
        entry.run({action!r}, globals())
"""


class NoFrontEnd(RestripError):
    """The scripts themselves aren't part of this installation."""

    code = "no-front-end"

    def __init__(self) -> None:
        super().__init__(
            "The Resolve scripts aren't here.", f"Install Restrip again: {install_line('engine')} --force-reinstall"
        )


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
class Folders:
    """Where things go: the menu scripts, and the folder that they use."""

    scripts: Path
    home: Path


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


def install(plan: Installation) -> dict[str, Any]:
    """Put everything in place and try it on Resolve's Python; an older installation is replaced.

    Raises NoFrontEnd, and InTheWay when the folders can't be written.
    """
    try:
        files = _put_in_place(plan, front_end())
    except OSError as error:
        raise InTheWay(str(error.filename or plan.folders.home), (error.strerror or str(error)).lower()) from error
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
    if (folders.home / "installed.json").exists():
        with contextlib.suppress(BrokenRecord):  # What it listed is written over, and the list anew.
            uninstall(folders)
    needed = folders.scripts, folders.home, resolve_lua.exported_folder()
    made = [missing for folder in needed for missing in _missing(folder)]
    for folder in needed:
        folder.mkdir(parents=True, exist_ok=True)
    files = _copy(source, folders.home)
    files += _vendor(plan.python, folders.home) if plan.python else []
    files += _write_menu(folders, plan.live_check)
    files.append(resolve_lua.write(source, folders.home, plan.interpreter))
    _write_record(plan, files, made)
    return files


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
    record = folders.home / "installed.json"
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


def front_end() -> Path:
    """The folder of the package restrip_resolve. Raises NoFrontEnd."""
    found = importlib.util.find_spec("restrip_resolve")
    if found is not None and found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations)))
    beside = Path(restrip.__file__).parents[2] / "resolve_script" / "restrip_resolve"
    if beside.is_dir():
        return beside
    raise NoFrontEnd


def menu_entries(source: Path, live_check: bool) -> dict[str, str]:
    """Action to menu title, as restrip_resolve.menu has them."""
    spec = importlib.util.spec_from_file_location("restrip_resolve_titles", source / "titles.py")
    assert spec is not None and spec.loader is not None
    titles = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(titles)
    return {**titles.ENTRIES, **(titles.EXTRA if live_check else {})}


def _copy(source: Path, home: Path) -> list[Path]:
    """The scripts' package and the light parts of restrip."""
    files = _copied(source, home / "restrip_resolve")
    package = Path(restrip.__file__).parent
    for name in LIGHT:
        part = package / name
        if part.is_dir():
            files += _copied(part, home / "restrip" / name)
        elif part.exists():
            (home / "restrip").mkdir(exist_ok=True)
            files.append(Path(shutil.copy(part, home / "restrip" / name)))
    return files


def _copied(source: Path, target: Path) -> list[Path]:
    files = []
    for file in sorted(source.rglob("*.py")):
        if file.name in HEAVY:
            continue
        to = target / file.relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        files.append(Path(shutil.copy(file, to)))
    return files


def _vendor(python: Python, home: Path) -> list[Path]:
    """pyzmq for Resolve's Python; nothing when there is none for it, and the scripts then use the bridge."""
    if not python.can_run_here:
        return []
    own, here = importlib.util.find_spec("zmq"), look_at(sys.executable)
    same = (here.version, here.machine) == (python.version, python.machine)
    if own is not None and own.submodule_search_locations and same:
        package = Path(next(iter(own.submodule_search_locations)))
        parts = [package, *package.parent.glob("pyzmq.libs")]
        return [file for part in parts for file in _tree(part, home / part.name)]
    with tempfile.TemporaryDirectory(prefix="restrip-") as folder:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary", ":all:", "--implementation", "cp", "--python-version", python.version]
        done = subprocess.run([*command, "--target", folder, "pyzmq>=26"], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return []
        parts = [part for part in Path(folder).iterdir() if part.name in ("zmq", "pyzmq.libs")]
        return [file for part in parts for file in _tree(part, home / part.name)]


def _tree(source: Path, target: Path) -> list[Path]:
    """Everything of a package but its tests and what Python compiled."""
    files = []
    for file in sorted(source.rglob("*")):
        inside = file.relative_to(source)
        if file.is_dir() or {"__pycache__", "tests"} & set(inside.parts):
            continue
        to = target / inside
        to.parent.mkdir(parents=True, exist_ok=True)
        files.append(Path(shutil.copy(file, to)))
    return files


def _write_menu(folders: Folders, live_check: bool) -> list[Path]:
    files = []
    for action, title in menu_entries(folders.home / "restrip_resolve", live_check).items():
        file = folders.scripts / f"{PREFIX}{title}.py"
        file.write_text(MENU_SCRIPT.format(title=f"Restrip: {title}", home=str(folders.home), action=action), "utf-8")
        files.append(file)
    return files


def _write_record(plan: Installation, files: Iterable[Path], made: Iterable[Path]) -> None:
    body = {
        "version": restrip.__version__,
        "python": plan.interpreter,
        "resolve_python": plan.python.path if plan.python else None,
        "files": [str(file) for file in files],
        "made": [str(folder) for folder in made],
    }
    (plan.folders.home / "installed.json").write_text(json.dumps(body, indent=1), "utf-8")


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
