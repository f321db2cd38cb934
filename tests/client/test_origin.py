"""The line that installs more of Restrip, wherever it came from."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from restrip.client import origin
from restrip.client.start import record_start

ROOT = Path(__file__).parents[2]


class Package:
    """An installed distribution, as importlib.metadata gives one."""

    def __init__(self, came_from: str | None) -> None:
        self.came_from = came_from

    def read_text(self, name: str) -> str | None:
        return self.came_from if name == "direct_url.json" else None


def installed_from(monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    package = Package(None if url is None else json.dumps({"url": url, "dir_info": {}}))
    monkeypatch.setattr(origin.importlib.metadata, "distribution", lambda name: package)


def test_a_folder_or_a_wheel_is_named_with_this_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wheel = tmp_path / "my films" / "restrip-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    find = origin.importlib.util.find_spec
    monkeypatch.setattr(origin.importlib.util, "find_spec", lambda name: object() if name == "pip" else find(name))
    for path in (wheel.parent, wheel):
        installed_from(monkeypatch, path.as_uri())
        expected = [sys.executable, "-m", "pip", "install", f"{path}[diffusion]"]
        line = origin.install_line("diffusion")
        assert line == (subprocess.list2cmdline(expected) if os.name == "nt" else shlex.join(expected))


def test_an_index_is_named_only_when_it_came_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, None)
    assert origin.origin() == "restrip"
    installed_from(monkeypatch, "https://host/restrip.whl")
    assert origin.origin() == "restrip @ https://host/restrip.whl"


def test_a_wheel_that_is_gone_is_not_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed_from(monkeypatch, (tmp_path / "gone.whl").as_uri())
    monkeypatch.setattr(origin, "__file__", str(ROOT / "engine" / "restrip" / "link" / "origin.py"))
    assert origin.origin() == str(ROOT), "the source that runs"
    monkeypatch.setattr(origin, "__file__", str(tmp_path / "a" / "b" / "c" / "origin.py"))
    assert origin.origin() == ""
    assert "'FOLDER[ray]'" in origin.install_line("ray") or os.name == "nt"


def test_an_environment_without_pip_is_uvs(monkeypatch: pytest.MonkeyPatch) -> None:
    find = origin.importlib.util.find_spec
    monkeypatch.setattr(origin.importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    assert origin.install_line("ray").startswith("uv pip install --python ")


def test_an_editor_shows_what_the_engines_installation_left(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, ROOT.as_uri())
    lines = origin.set_up()
    assert lines[0] == origin.install_line("engine")

    def in_an_editor() -> tuple[str, str]:
        with pytest.MonkeyPatch.context() as editor:
            editor.setattr(origin.importlib.util, "find_spec", lambda name: None)
            return origin.set_up()

    assert in_an_editor()[0].endswith('-m pip install "FOLDER[engine]"')
    record_start([sys.executable, "-m", "restrip.service"])
    assert in_an_editor() == lines
    done = subprocess.run([*shlex.split(lines[1])[:4], "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "start" in done.stdout
