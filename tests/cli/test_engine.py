"""`restrip engine start` and its executors, with real engines."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from engine_bench import end_engine

from restrip.cli import main
from restrip.client import discovery
from restrip.client.worker_crashes import deaths_file


@pytest.fixture(autouse=True)
def _engine_ends() -> Iterator[None]:
    yield
    end_engine()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["engine", *words, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_executor_is_chosen_once_and_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "start", "--executor", "local")["name"] == "local"
    kept = json.loads((discovery.state_dir() / "executor.json").read_text())
    assert kept["name"] == "local"
    # The same again is no other one; another isn't slipped under jobs that run.
    assert run(capsys, "start", "--executor", "local")["name"] == "local"
    assert main(["engine", "start", "--executor", "ray"]) == 2
    assert "restrip engine stop" in capsys.readouterr().err


def test_its_status_and_its_workers_leave(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "free-gpu") == {"busy": False}
    assert run(capsys, "status") == {"running": False}
    death = {"time": 1e9, "cause": "signal", "what": "The worker ended.", "remedy": "Retry.", "task": "keys"}
    deaths = [{**death, "job": "job-1", "machine": ""}]
    deaths_file(discovery.state_dir()).write_text(json.dumps({"deaths": deaths}))
    assert run(capsys, "status") == {"running": False, "deaths": deaths}
    assert main(["engine", "status"]) == 0 and "2001-09-0" in capsys.readouterr().out
    run(capsys, "start")
    status = run(capsys, "status")
    assert status["deaths"] == deaths
    assert status["running"] and {"jobs", "workers", "worker_facts", "memory_mib", "clients"} <= set(status)
    assert run(capsys, "free-gpu") == {"busy": False}


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed here")
def test_without_ray_it_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engine", "start", "--executor", "ray"]) == 1
    assert "[ray]" in capsys.readouterr().err
