"""Where the extension looks for the engine's command."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).parents[3] / "blender_addon" / "engine" / "finding.py"


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module, on a machine with nothing on its search path and an empty home."""
    spec = importlib.util.spec_from_file_location("restrip_blender_finding", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    monkeypatch.setattr(module, "recorded_start", lambda: ())
    return module


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_nothing_is_found_on_an_empty_machine(finding: ModuleType) -> None:
    assert finding.engine_command() == ()


def test_what_ran_here_before_comes_first(finding: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = program(tmp_path / "venv" / "bin" / "python")
    program(tmp_path / "home" / ".local" / "bin" / "restrip-engine")
    monkeypatch.setattr(finding, "recorded_start", lambda: (str(python), "-m", "restrip.service"))
    assert finding.engine_command() == (str(python), "-m", "restrip.service")
    python.unlink()
    assert finding.engine_command() == (str(tmp_path / "home" / ".local" / "bin" / "restrip-engine"),)


@pytest.mark.skipif(os.name != "posix", reason="other folders on Windows")
def test_an_editor_without_the_terminals_search_path_finds_it(finding: ModuleType, tmp_path: Path) -> None:
    found = program(tmp_path / "home" / ".local" / "bin" / "restrip-engine")
    assert finding.engine_command() == (str(found),)


def test_the_users_choice_may_be_the_program_its_folder_or_its_python(finding: ModuleType, tmp_path: Path) -> None:
    found = program(tmp_path / "venv" / "bin" / "restrip-engine")
    other = program(tmp_path / "venv" / "bin" / "restrip")
    python = program(tmp_path / "venv" / "bin" / "python3")
    assert finding.engine_command(str(found)) == (str(found),)
    assert finding.engine_command(str(other)) == (str(found),)
    assert finding.engine_command(str(tmp_path / "venv")) == (str(found),)
    assert finding.engine_command(str(python)) == (str(python), "-m", "restrip.service")
    assert finding.engine_command(str(tmp_path / "gone")) == ()


def test_the_line_to_paste_installs_and_starts(finding: ModuleType) -> None:
    assert "pip install" in finding.install_line() and finding.install_line().endswith("restrip engine start")
