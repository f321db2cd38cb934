"""Coming in from Resolve: finding it, choosing where to run, and the bridge between two Pythons."""

from __future__ import annotations

import ast
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from restrip_resolve import entry
from restrip_resolve.actions.context import Context
from restrip_resolve.api import can
from restrip_resolve.bridge import CallFailed, Remote, Wire
from restrip_resolve.console import Console
from restrip_resolve.menu import run
from stage import Stage

PACKAGE = Path(entry.__file__).parent


@pytest.mark.parametrize("file", ["entry.py", "titles.py", "__init__.py"])
def test_what_every_python_reads_parses_on_the_oldest(file: str) -> None:
    tree = ast.parse((PACKAGE / file).read_text("utf-8"), feature_version=(3, 6))
    names = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.col_offset == 0}
    assert "__future__" not in names and not any(str(name).startswith("restrip.") for name in names)


APP = object()


@pytest.mark.parametrize(
    "names",
    [
        {"resolve": APP},
        {"resolve": None, "bmd": SimpleNamespace(scriptapp=lambda name: APP if name == "Resolve" else None)},
        {"app": SimpleNamespace(GetResolve=lambda: APP)},
        {"bmd": SimpleNamespace(scriptapp=None), "app": SimpleNamespace(GetResolve=lambda: APP)},
    ],
)
def test_resolve_is_found_by_every_way_it_offers(names: dict[str, Any]) -> None:
    assert entry.find_resolve(names) is APP


def test_the_official_module_is_the_last_way(monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(scriptapp=lambda name: APP if name == "Resolve" else None)
    monkeypatch.setitem(entry.sys.modules, "DaVinciResolveScript", module)
    assert entry.find_resolve({}) is APP


def test_an_edition_without_scripts_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """21.1 free gives scripts nothing."""
    assert not entry.run("stylize", {"bmd": SimpleNamespace(scriptapp=lambda name: None)})
    assert "use `restrip resolve`" in capsys.readouterr().out


def test_in_this_python_scripts_run_right_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert entry.why_not_here() == ""
    seen: list[Any] = []
    monkeypatch.setattr("restrip_resolve.menu.run", lambda action, context: seen.append((action, context)) or True)
    assert entry.run("cancel", {"resolve": APP})
    assert seen[0][0] == "cancel" and seen[0][1].resolve is APP


def test_an_old_python_or_a_broken_pyzmq_sends_them_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(entry.sys, "version_info", (3, 8, 1))
    assert entry.why_not_here() == "Python 3.8 is older than 3.11"
    monkeypatch.undo()
    (tmp_path / "zmq.py").write_text("raise ImportError('wrong machine')")
    monkeypatch.delitem(entry.sys.modules, "zmq", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert "wrong machine" in entry.why_not_here()


def test_a_python_that_is_gone_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert not entry.run_there("stylize", None, {"python": "/gone/python"})
    out = capsys.readouterr().out
    assert "/gone/python" in out and "restrip install resolve" in out


def test_a_child_that_dies_is_told_with_its_last_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    assert not entry.run_there("no-such-action", None, {"python": sys.executable})
    out = capsys.readouterr().out
    assert "ended in the middle" in out and "no-such-action" in out


def test_a_real_child_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    assert entry.run_there("ping", None, {"python": sys.executable})


@pytest.fixture
def bridged(tmp_path: Path) -> Iterator[tuple[Stage, Wire, list[str]]]:
    """The double at one end of two pipes, a wire at the other."""
    stage = Stage.of("21.1")
    stage.double.item(stage.footage(tmp_path), 50, 100, left=20)
    stage.double.timeline.playhead = 86460
    ask_r, ask_w = os.pipe()
    reply_r, reply_w = os.pipe()
    printed: list[str] = []
    with open(ask_r, "rb") as asked, open(reply_w, "wb") as replies:
        server = threading.Thread(target=lambda: entry.Bridge(stage.double.resolve).serve(asked, replies))
        server.start()
        with open(ask_w, "wb") as asking, open(reply_r, "rb") as answers:
            wire = Wire(answers, asking)  # type: ignore[arg-type]
            yield stage, wire, printed
            wire.end(True)
            server.join(5)
            assert not server.is_alive()


def test_a_whole_script_runs_through_the_bridge(
    bridged: tuple[Stage, Wire, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    stage, wire, _ = bridged
    for frame in (60, 90, 120):
        marker = {"color": "Cyan", "name": "Marker 1", "note": "", "duration": 1, "customData": ""}
        stage.double.timeline.markers[float(frame)] = marker
    context: Any = Remote(wire, 0)
    assert run("stylize", Context(context, Console(wire.say), lambda *_: stage.engine))  # type: ignore[arg-type]
    assert len(stage.double.timeline.video[1].items) == 5
    assert not stage.double.world.misuse
    # What the script says is printed at Resolve's end.
    assert wire.call(0, "GetVersionString", ()) == "21.1.0.5"
    assert "seams as transitions" in capsys.readouterr().out


def test_capabilities_and_keys_cross_the_bridge(bridged: tuple[Stage, Wire, list[str]]) -> None:
    stage, wire, _ = bridged
    stage.double.timeline.markers[7.0] = {"color": "Red", "name": "é", "note": "", "duration": 1, "customData": ""}
    timeline = Remote(wire, 0).GetProjectManager().GetCurrentProject().GetCurrentTimeline()  # type: ignore[misc]
    assert can(timeline, "GetSelectedClips") and not can(timeline, "GetWeather")
    assert timeline.GetWeather is None
    assert timeline.GetMarkers() == {7.0: stage.double.timeline.markers[7.0]}
    stage.double.world.misuse.clear()


def test_what_resolve_raises_is_raised_here(bridged: tuple[Stage, Wire, list[str]]) -> None:
    from double import Failure

    stage, wire, _ = bridged
    stage.double.world.failure = Failure(0, "raise")
    with pytest.raises(CallFailed, match="OpenPage failed: Injected"):
        wire.call(0, "OpenPage", ("edit",))


def test_a_resolve_that_is_gone_ends_the_script() -> None:
    ask_r, ask_w = os.pipe()
    reply_r, reply_w = os.pipe()
    os.close(reply_w)
    with open(ask_w, "wb") as asking, open(reply_r, "rb") as answers, open(ask_r, "rb") as sent:
        wire = Wire(answers, asking)  # type: ignore[arg-type]
        with pytest.raises(CallFailed, match="gone"):
            wire.call(0, "GetVersion", ())
        assert json.loads(sent.readline()) == ["call", 0, "GetVersion", []]
