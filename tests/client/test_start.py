"""How the engine is started, on each system."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from restrip.client import start
from restrip.client.discovery import StateFolder, run_folder
from restrip.client.start import EngineMissing, clean_environment, detached, engine_argv


def test_this_packages_own_engine_comes_first() -> None:
    assert engine_argv() == (sys.executable, "-m", "restrip.service")


def without_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None)


def test_then_the_one_that_ran_here(monkeypatch: pytest.MonkeyPatch) -> None:
    without_service(monkeypatch)
    path = run_folder() / "start.json"
    path.write_text(json.dumps({"argv": [sys.executable, "-m", "somewhere"]}))
    path.chmod(0o600)
    assert engine_argv() == (sys.executable, "-m", "somewhere")


def test_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    without_service(monkeypatch)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineMissing, match="pip install"):
        engine_argv()


def test_a_record_of_an_engine_that_is_gone_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    without_service(monkeypatch)
    monkeypatch.setenv("PATH", "")
    path = run_folder() / "start.json"
    path.write_text(json.dumps({"argv": ["/nowhere/python", "-m", "restrip.service"]}))
    path.chmod(0o600)
    with pytest.raises(EngineMissing):
        engine_argv()


def test_a_full_disk_is_told_before_an_engine_ends_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(start, "_spawn", lambda *given: pytest.fail("it was started"))
    before = set(run_folder().iterdir())
    with pytest.raises(StateFolder, match="no space left") as caught:
        start.start_engine()
    assert "Make room" in caught.value.remedy
    assert set(run_folder().iterdir()) == before


def test_the_editors_variables_are_left_behind() -> None:
    editor = {
        "PYTHONPATH": "/blender",
        "PYTHONHOME": "/blender",
        "LD_LIBRARY_PATH": "/blender",
        "HOME": "/h",
        "RESTRIP_X": "1",
    }
    assert clean_environment(["/other/python"], editor) == {"HOME": "/h", "RESTRIP_X": "1"}
    assert clean_environment([sys.executable], editor) == editor


def test_the_branch_of_posix() -> None:
    assert detached("linux") == detached("darwin") == {"start_new_session": True}


def test_the_branch_of_windows() -> None:
    flags = detached("win32")["creationflags"]
    create_no_window, create_new_process_group, create_breakaway_from_job = 0x08000000, 0x200, 0x01000000
    assert flags == create_no_window | create_new_process_group | create_breakaway_from_job


def test_a_job_object_that_holds_its_children_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[dict[str, Any]] = []

    def popen(argv: list[str], **options: Any) -> str:
        tried.append(options)
        if options["creationflags"] & 0x01000000:
            raise PermissionError
        return "child"

    monkeypatch.setattr(subprocess, "Popen", popen)
    assert start._spawn(["engine"], 1, detached("win32")) == "child"  # type: ignore[comparison-overlap]
    assert [bool(options["creationflags"] & 0x01000000) for options in tried] == [True, False]


def test_an_engine_that_cant_be_started_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineMissing):
        start._spawn(["/nowhere/python"], 1, detached())
