"""What the Resolve scripts need, copied to where Resolve looks for it.

restrip_resolve/          the scripts' package
restrip/                  the light parts of restrip, importable on the Python that Resolve uses
zmq/, pyzmq.libs/         for that Python
Restrip - *.py            one a menu entry, with the folder of the above baked in
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import restrip
from restrip.client.origin import install_line
from restrip.errors import RestripError
from restrip.install.resolve_python import Python, look_at
from restrip.install.resolve_record import Folders

PREFIX = "Restrip - "

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


def copy_packages(source: Path, home: Path) -> list[Path]:
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


def copy_zmq(python: Python, home: Path) -> list[Path]:
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


def write_menu(folders: Folders, live_check: bool) -> list[Path]:
    """A file a menu entry; the scripts' package must be in place."""
    files = []
    for action, title in menu_entries(folders.home / "restrip_resolve", live_check).items():
        file = folders.scripts / f"{PREFIX}{title}.py"
        file.write_text(MENU_SCRIPT.format(title=f"Restrip: {title}", home=str(folders.home), action=action), "utf-8")
        files.append(file)
    return files
