"""`restrip link`, as two people with two computers use it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from restrip.cli import main
from restrip.cli.link import _asked
from restrip.cli.terminal import Terminal
from restrip.client.client import Client, EngineUnreachable, connect

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Say]:
    """Run a command on the computer `where`: exit code, stdout, stderr."""
    used: set[str] = set()

    def command(where: str, *arguments: str) -> tuple[int, str, str]:
        used.add(where)
        monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path / where / "state"))
        capsys.readouterr()
        code = main(list(arguments))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    yield command
    for where in used:
        monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path / where / "state"))
        try:
            with connect("test", start=False) as client:
                client.quit()
        except EngineUnreachable:
            continue


def only(pattern: str, text: str) -> str:
    found = re.findall(pattern, text)
    assert len(found) == 1, text
    return str(found[0])


def test_two_computers_become_one(at: Say, carphone: Path, tmp_path: Path) -> None:
    code, said, _ = at("desk", "link")
    assert code == 0 and "on this computer" in said
    code, said, err = at("tower", "link", "--share", "127.0.0.1:0")
    assert code == 0, err
    command = only(r"restrip (link HOST:\d+ --key [0-9a-f]{64})", said)
    code, said, err = at("desk", *command.replace("HOST", "127.0.0.1").split(), "--send-everything")
    assert code == 0, err
    mine = only(r"fingerprint (\S+)", said)
    allow = only(r"restrip (link --allow [0-9a-f]{64} --name) NAME", said)
    # Not let in yet: it says so, and what to do.
    code, said, _ = at("desk", "link")
    assert code == 0 and "doesn't answer" in said and "restrip link --allow" in said
    code, said, err = at("tower", *allow.split(), "desk")
    assert code == 0 and only(r"desk +fingerprint (\S+)", said) == mine
    assert at("tower", "link", "--limit", "1.5G", "--limit-all", "2G")[0] == 0
    code, said, _ = at("tower", "engine", "status", "--json")
    guests = json.loads(said)["guests"]
    assert (guests["limit_mib"], guests["by_name"]["desk"]["limit_mib"]) == (2048, 1536)
    code, said, _ = at("desk", "link")
    assert code == 0 and "doesn't answer" not in said
    out = tmp_path / "out"
    code, said, err = at(
        "desk",
        "render",
        str(carphone),
        "--range",
        "0:6",
        "--keys",
        "0,5",
        "--look",
        "neural:19",
        "--out",
        str(out),
        "--json",
    )
    assert code == 0, err
    assert all(Path(strip["file"]).parent == out for strip in json.loads(said)["strips"])
    assert [path.name for path in (tmp_path / "tower" / "state" / "received").rglob("*.mp4")] == [carphone.name]
    assert at("tower", "link", "--forget", "desk")[0] == 0
    assert "No computer is let in as 'desk'" in at("tower", "link", "--forget", "desk")[2]
    assert "on this computer" in at("desk", "link", "--off")[1]


def test_who_forgets_a_computer_with_jobs_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Engine:
        def engine_status(self) -> dict[str, Any]:
            return {"guests": {"by_name": {"laptop": {"jobs": 2}, "idle": {"jobs": 0}}}}

    def answer(words: str) -> str:
        asked.append(words)
        return "yes"

    monkeypatch.setattr("builtins.input", answer)
    client, terminal = cast(Client, Engine()), Terminal()
    for tty, name, expected in ((True, "laptop", "keep"), (True, "idle", "end"), (False, "laptop", "end")):
        monkeypatch.setattr(sys.stdin, "isatty", lambda tty=tty: tty, raising=False)
        assert _asked(client, {"name": name, "key": ""}, terminal) == expected
    assert asked == ["laptop has 2 jobs at work or waiting. Keep going with them? [y/N] "]


def test_what_cant_be_linked(at: Say) -> None:
    key = "0" * 64
    for arguments, code in (
        (("host",), "bad-option"),
        (("--key", key), "bad-option"),
        (("host", "--key", "12"), "bad-key"),
        (("a b", "--key", key), "bad-address"),
        (("host:99999", "--key", key), "bad-address"),
        (("--allow", key), "bad-option"),
        (("--allow", key, "--name", "x"), "not-shared"),
        (("--share", "192.0.2.1"), "cannot-listen"),
        (("--off", "--unshare"), "bad-option"),
        (("--limit", "much"), "bad-option"),
    ):
        exit_code, _, err = at("desk", "link", *arguments, "--json")
        assert exit_code == 2
        assert json.loads(err.splitlines()[-1])["error"]["code"] == code, arguments
