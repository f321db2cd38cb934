"""Two installations of two builds and one state folder, for real: whose engine runs, and when it ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_bench import end_engine, until

from restrip.client.build import PACKAGE, build_id
from restrip.client.discovery import read_connection
from restrip.storage.processes import alive


@pytest.fixture
def builds(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Two copies of the package, of which the second has a changed file; what they start ends with the test."""
    made = {}
    for name in ("a", "b"):
        made[name] = tmp_path / name / "restrip"
        shutil.copytree(PACKAGE, made[name], ignore=shutil.ignore_patterns("__pycache__", "data"))
        (made[name] / "data").symlink_to(PACKAGE / "data")
    with open(made["b"] / "progress.py", "a", encoding="utf-8") as file:
        file.write("# Another build.\n")
    yield made
    end_engine()


def ran(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`restrip` of one of the copies."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "RESTRIP_BEAT_S": "0.2"}
    command = [sys.executable, "-m", "restrip", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=True)


def engine_of(package: Path) -> str:
    """The installation of the engine that runs, as a copy's status tells."""
    return str(json.loads(ran(package, "engine", "status", "--json").stdout)["installation"])


def pid() -> int:
    found = read_connection()
    assert found is not None
    return found.pid


def test_each_installation_gets_its_own_engine_and_one_that_is_removed_leaves_none(builds: dict[str, Path]) -> None:
    a, b = builds["a"], builds["b"]
    assert build_id(a) != build_id(b)
    ran(a, "engine", "start")
    assert engine_of(b) == str(a), "who only looks takes what there is"
    first = pid()
    assert str(a) in ran(b, "engine", "start").stderr, "and who needs one says whose engine has to go"
    assert engine_of(a) == str(b) and not alive(first)
    assert str(b) in ran(a, "engine", "start", "--executor", "local").stderr
    assert str(a) in ran(b, "engine", "start", "--executor", "local").stderr and engine_of(a) == str(b)
    second = pid()
    shutil.rmtree(b)
    until(lambda: not alive(second))
    found = read_connection()
    assert found is not None and found.stopped == "clean"


def test_an_upgrade_in_place_is_followed_by_the_new_build(builds: dict[str, Path]) -> None:
    a = builds["a"]
    ran(a, "engine", "start")
    first = pid()
    shutil.copy(builds["b"] / "progress.py", a / "progress.py")
    until(lambda: not alive(first))  # Nobody waits for anything: the next who needs one starts it.
    ran(a, "engine", "start")
    assert json.loads(ran(a, "engine", "status", "--json").stdout)["build"] == build_id(a) == build_id(builds["b"])
