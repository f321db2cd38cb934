"""`restrip install resolve` into a fake home of each system, and away again."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from restrip_resolve.titles import ENTRIES, EXTRA

from restrip.client.discovery import recorded_start
from restrip.client.start import record_start
from restrip.install import resolve, resolve_files, resolve_python
from restrip.install.resolve import Installation, InTheWay, install
from restrip.install.resolve_python import NoPython, Python, candidates, found_python, look_at
from restrip.install.resolve_record import BrokenRecord, Folders, NotInstalled, folders_of, uninstall

SYSTEMS = {
    "win32": "AppData/Roaming/Blackmagic Design/DaVinci Resolve/Support/Fusion",
    "darwin": "Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion",
    "linux": ".local/share/DaVinciResolve/Fusion",
}


@pytest.fixture(scope="module")
def here() -> Python:
    return look_at(sys.executable)


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("system", SYSTEMS)
def test_scripts_lie_where_resolve_looks(system: str, tmp_path: Path) -> None:
    folders = folders_of(system, tmp_path, {})
    assert folders.scripts == tmp_path / SYSTEMS[system] / "Scripts" / "Edit"
    assert folders.home == tmp_path / SYSTEMS[system] / "Restrip"


def test_windows_roaming_folder_can_lie_elsewhere(tmp_path: Path) -> None:
    folders = folders_of("win32", tmp_path, {"APPDATA": str(tmp_path / "roam")})
    assert (tmp_path / "roam") in folders.home.parents


@pytest.mark.parametrize("system", SYSTEMS)
def test_in_and_out_again(system: str, tmp_path: Path, here: Python) -> None:
    home = tmp_path / "Jürgen"
    folders = folders_of(system, home, {})
    folders.scripts.mkdir(parents=True)
    (folders.scripts / "mine.py").write_text("print('mine')")
    before = listing(home)
    result = install(Installation(folders, here))
    assert result["runs"] == "here" and result["python_version"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert sorted(path.stem for path in folders.scripts.glob("Restrip - *.py")) == sorted(
        f"Restrip - {title}" for title in ENTRIES.values()
    )
    assert (folders.home / "zmq" / "__init__.py").exists()
    assert recorded_start() == (sys.executable, "-m", "restrip.service")
    assert all(Path(file).is_file() for file in result["files"])
    again = install(Installation(folders, here, live_check=True))
    assert f"Restrip - {EXTRA['live_check']}" in {path.stem for path in folders.scripts.iterdir()}
    assert set(result["files"]) < set(again["files"])
    removed = uninstall(folders)
    assert removed["removed"] == again["files"]
    assert listing(home) == before
    with pytest.raises(NotInstalled):
        uninstall(folders)


@pytest.mark.parametrize(
    "record", ["", "[]", "{", '{"files": 3, "made": []}', '{"files": [1], "made": []}', '{"made": []}']
)
def test_a_broken_list_is_written_anew_and_refuses_to_guess(record: str, tmp_path: Path, here: Python) -> None:
    folders = folders_of("linux", tmp_path, {})
    first = install(Installation(folders, here))
    (folders.home / "installed.json").write_text(record)
    with pytest.raises(BrokenRecord, match="can't be read"):
        uninstall(folders)
    again = install(Installation(folders, here))
    assert again["files"] == first["files"]
    uninstall(folders)
    assert not folders.home.exists()


@pytest.mark.parametrize("where", ["Restrip", "Scripts", "Scripts/Edit/Restrip - Cancel.py"])
def test_something_in_the_way_is_named(where: str, tmp_path: Path, here: Python) -> None:
    folders = folders_of("linux", tmp_path, {})
    way = folders.home.parent / where
    way.parent.mkdir(parents=True, exist_ok=True)
    if where.endswith(".py"):
        way.mkdir()
    else:
        way.write_text("mine")
    with pytest.raises(InTheWay, match=re.escape(way.name)):
        install(Installation(folders, here))
    assert way.is_dir() if where.endswith(".py") else way.read_text() == "mine"


def test_a_stale_way_to_start_the_engine_is_replaced(tmp_path: Path, here: Python) -> None:
    record_start(["/gone/python", "-m", "restrip.service"])
    install(Installation(folders_of("linux", tmp_path, {}), here))
    assert recorded_start() == (sys.executable, "-m", "restrip.service")


def test_programs_from_stores_are_told_apart(tmp_path: Path, here: Python) -> None:
    plain = install(Installation(folders_of("darwin", tmp_path, {}), here))
    assert "Store" not in " ".join(plain["sentences"])
    (tmp_path / "Library" / "Containers" / "com.blackmagic-design.DaVinciResolveLite").mkdir(parents=True)
    store = replace(here, path="C:\\Users\\A\\AppData\\Local\\Microsoft\\WindowsApps\\python.exe")
    said = " ".join(resolve._of_stores(folders_of("darwin", tmp_path, {}), store))
    assert "App Store (com.blackmagic-design.DaVinciResolveLite)" in said and "Microsoft Store" in said


def test_uninstall_leaves_what_it_didnt_bring(tmp_path: Path, here: Python) -> None:
    folders = folders_of("linux", tmp_path, {})
    install(Installation(folders, here))
    (folders.home / "notes.txt").write_text("mine")
    (folders.scripts / "Restrip - my own.py").write_text("mine")
    uninstall(folders)
    assert listing(folders.home) == ["notes.txt"]
    assert listing(folders.scripts) == ["Restrip - my own.py"]


def test_only_light_parts_come_along(tmp_path: Path, here: Python) -> None:
    folders = folders_of("linux", tmp_path, {})
    install(Installation(folders, here))
    assert {path.name for path in (folders.home / "restrip").iterdir()} <= {
        "__init__.py",
        "__pycache__",
        "errors.py",
        "progress.py",
        "client",
        "codec",
        "storage",
        "timeline",
    }
    assert not list(folders.home.rglob("otio.py"))


def menu_script(folders: Folders, python: str, code: str = "", *options: str) -> subprocess.CompletedProcess[str]:
    """Run the menu entry "Cancel" as Resolve would: without __file__, in a folder of its own."""
    source = (folders.scripts / "Restrip - Cancel.py").read_text("utf-8")
    wrapper = f"{code}\nexec(compile({source!r}, '<menu>', 'exec'), {{'__name__': '__main__'}})"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [python, *options, "-c", wrapper], capture_output=True, text=True, env=environment, check=False
    )


def test_a_menu_script_runs_from_anywhere(tmp_path: Path, here: Python) -> None:
    folders = folders_of("linux", tmp_path / "Jürgen", {})
    install(Installation(folders, here))
    done = menu_script(folders, sys.executable)
    assert done.returncode == 0, done.stderr
    assert "Resolve doesn't answer scripts" in done.stdout
    shutil.rmtree(folders.home)
    # Without its packages: the tests' own Python may have the scripts' library installed.
    done = menu_script(folders, sys.executable, "", "-S")
    assert done.returncode == 0 and "Run `restrip install resolve` again" in done.stdout


def test_a_menu_script_parses_on_the_oldest_python_and_tells_it(tmp_path: Path) -> None:
    import ast

    text = resolve_files.MENU_SCRIPT.format(title="Restrip: Cancel", home=str(tmp_path), action="cancel")
    ast.parse(text, feature_version=(3, 4))
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.version_info = (2, 7); exec({text!r})"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "3.6 or newer" in done.stdout


def test_a_python_that_is_too_old_hands_scripts_on(tmp_path: Path) -> None:
    """Resolve's Python is played by this one, told that it is old: the scripts then run in restrip's."""
    folders = folders_of("linux", tmp_path, {})
    result = install(Installation(folders, Python(sys.executable, "3.8", "any")))
    assert not (folders.home / "zmq").exists()
    script = folders.home / "installed.json"
    script.write_text(json.dumps({**json.loads(script.read_text()), "direct": False}))
    code = f"import sys; sys.path.insert(0, {str(folders.home)!r})"
    code += "; from restrip_resolve import entry; print(entry.check())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("('there'"), (done.stdout, done.stderr)
    assert result["runs"] == "here"  # This Python isn't old in truth.


def test_without_any_python_the_bridge_is_what_is_tried(tmp_path: Path) -> None:
    folders = folders_of("linux", tmp_path, {})
    result = install(Installation(folders, None))
    assert result["python"] is None
    assert "No Python that Resolve would use" in " ".join(result["sentences"])


def test_pyzmq_that_cant_be_had_is_no_reason_to_fail(
    tmp_path: Path, here: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = subprocess.run

    def without_pip(command: list[str], **options: Any) -> Any:
        if "pip" in command:
            return subprocess.CompletedProcess(command, 1, "", "no network")
        return original(command, **options)

    monkeypatch.setattr(subprocess, "run", without_pip)
    folders = folders_of("linux", tmp_path, {})
    install(Installation(folders, Python(here.path, "3.99", here.machine)))
    assert not (folders.home / "zmq").exists()


def test_the_wheel_is_asked_for_that_resolves_python_needs(
    tmp_path: Path, here: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = subprocess.run
    asked: list[list[str]] = []

    def pip(command: list[str], **options: Any) -> Any:
        if "pip" not in command:
            return original(command, **options)
        asked.append(command)
        package = Path(command[command.index("--target") + 1]) / "zmq"
        package.mkdir()
        (package / "__init__.py").write_text("")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    folders = folders_of("linux", tmp_path, {})
    install(Installation(folders, Python(here.path, "3.14", here.machine)))
    assert asked[0][asked[0].index("--python-version") + 1] == "3.14"
    assert (folders.home / "zmq" / "__init__.py").exists()
    uninstall(folders)
    assert listing(tmp_path) == []


def test_resolves_own_python_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve 21.1 brings one; before that it is PYTHON3HOME's, then the system's."""
    listed = list(candidates("darwin", {"PYTHON3HOME": "/my/python"}))
    assert "ResolvePython" in listed[0]
    assert listed[1].startswith("/my/python")
    monkeypatch.setitem(resolve_python.OWN, "linux", (str(tmp_path / "none"), sys.executable))
    found = found_python("linux", {})
    assert found is not None and found == look_at(sys.executable)
    monkeypatch.setitem(resolve_python.OWN, "linux", ())
    monkeypatch.setitem(resolve_python.FOUND, "linux", ())
    assert found_python("linux", {}) is None


def test_what_is_no_python(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho hello\n")
    broken.chmod(0o755)
    for path in (str(broken), str(tmp_path / "none")):
        with pytest.raises(NoPython):
            look_at(path)


def test_the_commands_options() -> None:
    parser = argparse.ArgumentParser()
    resolve.add_options(parser)
    options = parser.parse_args(["--uninstall"])
    assert options.uninstall and options.python is None and not options.live_check


def test_the_command_for_this_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    parser = argparse.ArgumentParser()
    resolve.add_options(parser)
    result = resolve.run(parser.parse_args(["--python", sys.executable]))
    assert result["scripts"].startswith(str(tmp_path))
    assert resolve.run(parser.parse_args(["--uninstall"]))["removed"] == result["files"]
