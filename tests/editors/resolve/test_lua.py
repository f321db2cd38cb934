"""restrip.lua in real Lua interpreters, against objects that know only what it may ask for."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from restrip_resolve.exported import SCRIPTS_ONLY, command_line
from restrip_resolve.settings import OWN, Choices, load

from restrip.cli import build_parser, main
from restrip.client.discovery import state_dir
from restrip.install import resolve_lua
from restrip.install.resolve import Installation, install
from restrip.install.resolve_files import front_end
from restrip.install.resolve_record import Folders, uninstall

lupa = pytest.importorskip("lupa", reason="Lua's interpreters are the package lupa")

HERE = Path(__file__).parent
LUAS = ("lua51", "luajit21", "lua52", "lua54")
"""Fusion's console has had LuaJIT; the others answer os.execute in other forms."""


@dataclass
class Console:
    """A Lua console of Resolve, and what the project in it answers."""

    way: str = "resolve"
    name: str = "Edit 1"
    EXPORT_OTIO: str | None = "otio"
    project: bool = True
    timeline: bool = True
    pool: bool = True
    exported: Callable[[str], bool] = lambda path: Path(path).write_text("{}") > 0
    imported: Callable[[str, bool], bool] = lambda path, with_sources: Path(path).is_file()
    printed: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def paste(self, line: str, lua: str = "luajit21") -> str:
        """Run a line of the console; returns what was printed."""
        import importlib

        runtime = importlib.import_module(f"lupa.{lua}").LuaRuntime(unpack_returned_tuples=True)
        runtime.globals().print = lambda *words: self.printed.append(" ".join(map(str, words)))
        names = ("way", "name", "EXPORT_OTIO", "project", "timeline", "pool")
        facts = runtime.table_from({name: getattr(self, name) for name in names})
        facts["log"], facts["export"], facts["import"] = runtime.table(), self.exported, self.imported
        runtime.globals().facts = facts
        runtime.execute((HERE / "fake_resolve.lua").read_text("utf-8"))
        runtime.execute(line)
        self.calls = list(facts["log"].values())
        return "\n".join(self.printed)


def command(folder: Path, code: int, *said: str) -> str:
    """A command that plays Restrip's Python; its folder has what shells treat in their own way."""
    file = folder / "it's $HOME & more" / "python"
    file.parent.mkdir(exist_ok=True)
    copy = 'for last; do :; done; eval "folder=\\${$(($# - 1))}"; cp "$folder/$last.otio" "$folder/$last restyled.otio"'
    file.write_text("\n".join(["#!/bin/sh", copy, *(f"echo '{line}'" for line in said), f"exit {code}"]))
    file.chmod(0o755)
    return str(file)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home ]] with brackets"
    folder.mkdir()
    resolve_lua.exported_folder().mkdir(parents=True)
    return folder


def script(home: Path, interpreter: str) -> str:
    resolve_lua.write(front_end(), home, interpreter)
    return resolve_lua.line(home)


@pytest.mark.skipif(os.name == "nt", reason="the command is a shell script")
@pytest.mark.parametrize("way", ["resolve", "app", "Resolve", "bmd"])
@pytest.mark.parametrize("lua", LUAS)
def test_a_timeline_goes_out_and_comes_in_again(lua: str, way: str, home: Path, tmp_path: Path) -> None:
    console = Console(way)
    text = console.paste(script(home, command(tmp_path, 0, "A clip: 20 frames", "Import it")), lua)
    folder = resolve_lua.exported_folder()
    out, back = console.calls
    assert out.startswith(f"export {folder}{os.sep}2") and out.endswith(".otio")
    stamp = Path(out).stem
    assert back == f"import true Edit 1 restyled {stamp} {folder / f'{stamp} restyled.otio'}"
    assert "Restrip: A clip: 20 frames" in text and text.endswith(f"The new timeline is Edit 1 restyled {stamp}.")
    assert "It failed" not in text


FAILURES: dict[str, tuple[Console, list[str], int]] = {
    "outside of Resolve": (Console("none"), ["Resolve doesn't answer scripts", "Workspace > Console, Lua"], 0),
    "no project": (Console(project=False), ["No project is open", "Open one"], 0),
    "no timeline": (Console(timeline=False), ["No timeline is open", "Open one"], 0),
    "an old version": (Console(EXPORT_OTIO=None), ["exports no OpenTimelineIO", "`restrip resolve`"], 0),
    "export refused": (Console(exported=lambda path: False), ["didn't export Edit 1", "install resolve"], 1),
    "import refused": (Console(imported=lambda path, with_: False), ["didn't import", "File > Import > Timeline"], 3),
    "no media pool": (Console(pool=False), ["no media pool", "Open the project again"], 1),
}


@pytest.mark.skipif(os.name == "nt", reason="the command is a shell script")
@pytest.mark.parametrize("what", FAILURES)
def test_each_failure_is_said_with_its_remedy(what: str, home: Path, tmp_path: Path) -> None:
    console, words, calls = FAILURES[what]
    text = console.paste(script(home, command(tmp_path, 0)))
    assert all(word in text for word in words), text
    assert len(console.calls) == calls and "The new timeline" not in text and "It failed" not in text


def test_what_nobody_foresaw_is_said_too(home: Path) -> None:
    def breaks(path: str) -> bool:
        raise RuntimeError("Resolve went away")

    text = Console(exported=breaks).paste(script(home, sys.executable))
    assert "It failed:" in text and "Resolve went away" in text and "File > Export > Timeline" in text


@pytest.mark.skipif(os.name == "nt", reason="the command is a shell script")
@pytest.mark.parametrize("lua", LUAS)
def test_a_command_that_fails_is_said_and_nothing_imported(lua: str, home: Path, tmp_path: Path) -> None:
    console = Console()
    text = console.paste(script(home, command(tmp_path, 3, "restrip: No clip has a marker on it.")), lua)
    assert "No clip has a marker on it." in text and "The restrip command failed (3)" in text
    assert [call.split()[0] for call in console.calls] == ["export"]
    console = Console()
    text = console.paste(script(home, str(tmp_path / "gone")), lua)
    assert "The restrip command failed (127)" in text and "not found" in text
    (state_dir() / "resolve" / "lua.log").unlink()
    text = Console().paste(script(home, command(tmp_path, 4)), lua)
    assert "It printed nothing: run `restrip install resolve` again" in text


def test_import_is_tried_both_ways(home: Path, tmp_path: Path) -> None:
    console = Console(imported=lambda path, with_sources: not with_sources)
    text = console.paste(script(home, command(tmp_path, 0)))
    assert [call.split()[:2] for call in console.calls[1:]] == [["import", "true"], ["import", "false"]]
    assert "The new timeline is" in text


def test_settings_become_options_of_the_command(tmp_path: Path) -> None:
    settings = tmp_path / "settings.txt"
    settings.write_text(
        "look = neural:3\nkey_colour = Mint\nfade = 6\nlong_side = 640\nfolder = /films\n"
        'prompt = -50 % "rain" & $HOME\nstroke = 2',
        "utf-8-sig",
    )
    words = command_line(load(settings), tmp_path, "1")
    options = build_parser().parse_args(words)
    assert (options.look, options.markers, options.fade, options.size) == ("neural:3", "Mint", "6", 640)
    assert options.set == ['prompt=-50 % "rain" & $HOME', "stroke=2"]
    assert options.out == str(Path("/films/timeline 1").absolute()) and options.otio.endswith("1 restyled.otio")
    assert set(SCRIPTS_ONLY) <= set(OWN)
    assert build_parser().parse_args(command_line(Choices(), tmp_path, "1")).look == Choices().look
    by_file = build_parser().parse_args(command_line(Choices(look_file="moody"), tmp_path, "1"))
    assert (by_file.look, by_file.look_file) == ("", "moody")
    drafts = (
        build_parser().parse_args(command_line(Choices(draft=draft), tmp_path, "1")).draft for draft in (True, False)
    )
    assert list(drafts) == [True, False]


def test_commands_are_quoted_for_each_shell() -> None:
    before, after = resolve_lua.around(["C:\\Program Files\\py.exe", "-m", "x"], "C:\\my log", "win32")
    assert before + "7" + after == '""C:\\Program Files\\py.exe" "-m" "x" 7 > "C:\\my log" 2>&1"'
    before, after = resolve_lua.around(["/it's/py", "-m", "x"], "/my log", "linux")
    assert before + "7" + after == """'/it'"'"'s/py' -m x 7 > '/my log' 2>&1"""


@pytest.mark.parametrize("text", ["plain", "C:\\new\\x", "a]]b", "a]=]]b", "ends]", "ends]=", "", "'\"\n"])
def test_any_text_is_a_lua_string(text: str) -> None:
    from lupa import luajit21

    assert luajit21.LuaRuntime().eval(resolve_lua.lua_text(text)) == text


def exported(path: str, footage: Path, markers: bool) -> bool:
    """What Resolve would write: a clip of 20 frames with a marker on it."""

    def time(value: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": 30000 / 1001, "value": value}

    def span(first: int, length: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(length)}

    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": str(footage), "available_range": span(0, 120)}
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": "car",
        "source_range": span(10, 12),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [{"OTIO_SCHEMA": "Marker.2", "name": "", "marked_range": span(14, 1)}] if markers else [],
    }
    track = {"OTIO_SCHEMA": "Track.1", "kind": "Video", "name": "Video 1", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "children": [track]}
    body = {"OTIO_SCHEMA": "Timeline.1", "name": "Edit 1", "global_start_time": time(107892), "tracks": stack}
    Path(path).write_text(json.dumps(body), "utf-8")
    return True


@pytest.fixture
def engine() -> Iterator[None]:
    yield
    main(["engine", "stop"])


def test_from_installing_to_the_timeline_that_comes_in(tmp_path: Path, carphone: Path, engine: None) -> None:
    folders = Folders(tmp_path / "Jürgen's" / "Scripts", tmp_path / "Jürgen's" / "Restrip")
    said = install(Installation(folders, None))["sentences"][-1]
    line = said.partition("paste ")[2]
    settings = state_dir() / "resolve" / "settings.txt"
    settings.write_text(f"look = neural:19\nlong_side = 96\nmode = keys\nfolder = {tmp_path / 'results'}\n", "utf-8")
    console = Console(exported=lambda path: exported(path, carphone, markers=True))
    text = console.paste(line)
    assert "The new timeline is Edit 1 restyled" in text, text
    assert "Not used here, only by the menu scripts: mode." in text
    body = json.loads(
        Path(console.calls[-1].partition("/")[1] + console.calls[-1].partition("/")[2]).read_text("utf-8")
    )
    assert [track["name"] for track in body["tracks"]["children"]] == ["Video 1", "Restrip"]
    (strip,) = body["tracks"]["children"][1]["children"]
    movie = Path(strip["media_references"]["DEFAULT_MEDIA"]["target_url"])
    assert movie.is_file() and (tmp_path / "results") in movie.parents

    console = Console(exported=lambda path: exported(path, carphone, markers=False))
    text = console.paste(line)
    assert "No clip has a marker" in text and "The restrip command failed (2)" in text
    settings.write_text("fade = never", "utf-8")
    text = Console().paste(line)
    assert "Line 1 of" in text and "fade can't be 'never'" in text and "failed (2)" in text
    uninstall(folders)
    assert not folders.home.exists()
