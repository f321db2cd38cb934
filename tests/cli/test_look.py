"""Looks as files from the command line: saved, given away, used for another clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restrip.cli import look, main
from restrip.client.client import EngineUnreachable, connect
from restrip.errors import RemoteError

Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command with --json: exit code, what stdout held, the code of the error on stderr."""

    def command(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed = capsys.readouterr()
        errors = [line["error"]["code"] for line in map(json.loads, printed.err.splitlines()) if "error" in line]
        return code, json.loads(printed.out) if printed.out else None, errors[0] if errors else ""

    yield command
    try:
        with connect("test", start=False) as client:
            client.quit()
    except EngineUnreachable:
        pass


@pytest.mark.parametrize("job", [(), ("--job", "painted")])
def test_the_newest_jobs_look_isnt_the_only_one(monkeypatch: pytest.MonkeyPatch, job: tuple[str, ...]) -> None:
    """Where the newest job has none to save, the remedy says which job that was, and how another is named."""

    class Engine:
        def __enter__(self) -> Engine:
            return self

        def __exit__(self, *_: object) -> None: ...

        def jobs(self, *_: object) -> list[SimpleNamespace]:
            return [SimpleNamespace(kind="render", job_id="painted")]

        def save_look(self, *_: object, **__: object) -> None:
            raise RemoteError({"code": "no-look-to-save", "message": "No.", "remedy": "Save another."})

    told = SimpleNamespace(name="x", key=None, replace=False, job=job[-1] if job else None)
    monkeypatch.setattr(look.shared, "open_client", Engine)
    monkeypatch.setattr(look, "whole_id", lambda _, part: part)
    with pytest.raises(RemoteError) as raised:
        look.save(told, None)  # type: ignore[arg-type]
    assert ("painted" in raised.value.remedy and "--job" in raised.value.remedy) is not bool(job)


def test_a_look_is_saved_given_away_and_used(run: Run, carphone: Path, bikes: Path, tmp_path: Path) -> None:
    assert run("look", "save", "blue")[2] == "bad-option", "nothing was rendered yet"
    render = ("render", str(carphone), "--range", "10:14", "--keys", "11", "--size", "96")
    looks = ("--look", "neural:19", "--set", "style_strength=0.8")
    code, made, _ = run(*render, *looks, "--out", str(tmp_path / "a"))
    assert code == 0
    code, look, _ = run("look", "save", "blue night")
    assert code == 0 and Path(look["path"]).name == "blue night.restriplook" and look["anchor"]["frame"] == 1
    assert run("look", "save", "blue night")[::2] == (2, "look-exists")
    assert run("look", "save", "blue night", "--replace", "--job", made["job_id"][:12], "--key", "1")[0] == 0
    assert run("look", "save", "x", "--key", "7")[2] == "no-look-to-save"

    gift = tmp_path / "gift.restriplook"
    assert run("look", "export", "blue night", str(gift))[1] == {"file": str(gift)} and gift.is_file()
    assert run("look", "export", "blue night", str(gift))[2] == "bad-option", "nothing is replaced unasked"
    before = gift.read_bytes()
    assert run("look", "export", "blue night", look["path"], "--replace")[2] == "bad-option", "that is the look itself"
    assert run("look", "export", "blue night", str(tmp_path / "none" / "gift"))[2] == "bad-option"
    assert run("look", "export", "blue night", str(gift), "--replace")[0] == 0 and gift.read_bytes() == before
    assert Path(look["path"]).is_file() and not list(tmp_path.glob(".*.part"))
    assert [one["name"] for one in run("look", "list")[1]] == ["blue night"]
    assert run("look", "show", str(gift))[1]["look"] == "neural:19"
    assert run("look", "remove", "blue night")[0] == 0 and run("look", "list")[1] == []
    assert run("look", "show", "blue night")[2] == "unknown-look-file"
    assert run("look", "add", str(gift), "--name", "again")[1]["name"] == "again"

    other = ("render", str(bikes), "--range", "0:2", "--keys", "0", "--size", "96", "--out", str(tmp_path / "b"))
    code, used, _ = run(*other, "--look-file", "again", "--set", "stroke_size=0.9")
    assert code == 0 and used["look"]["name"] == "neural:19"
    assert used["look"]["settings"]["style_strength"] == 0.8 and used["look"]["settings"]["stroke_size"] == 0.9
    assert used["keys"][0]["facts"]["look_file"] == "again", "as its file is called, whatever it once was"
    assert run(*other, "--look-file", str(carphone))[::2] == (2, "look-unreadable")
    assert run(*other, "--look-file", "none such")[::2] == (2, "unknown-look-file")
