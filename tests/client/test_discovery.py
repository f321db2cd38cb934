"""Where the engine's things lie, and that nobody else can touch them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from restrip.client import discovery
from restrip.client.discovery import (
    Connection,
    UnsafeFolder,
    private_folder,
    read_connection,
    run_folder,
    state_dir,
)

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def test_the_environment_names_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path / "x"))
    assert state_dir() == tmp_path / "x"


def test_without_it_it_is_where_the_xdg_base_directories_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESTRIP_STATE_DIR")
    for given in ("", "relative/is/no/place"):
        monkeypatch.setenv("XDG_STATE_HOME", given)
        assert state_dir("linux") == Path.home() / ".local" / "state" / "restrip"
    monkeypatch.setenv("XDG_STATE_HOME", os.path.abspath("/somewhere/state"))
    assert state_dir("linux") == Path(os.path.abspath("/somewhere/state/restrip"))


def test_a_folder_below_home_or_here_is_meant_as_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for given in ("~/kept", "kept", " kept "):
        monkeypatch.setenv("RESTRIP_STATE_DIR", given)
        assert state_dir() == tmp_path / "kept"


def test_the_branches_of_windows_and_macos(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RESTRIP_STATE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert state_dir("darwin") == tmp_path / "Library" / "Application Support" / "restrip"
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    assert state_dir("win32") == tmp_path / "Local" / "restrip"
    monkeypatch.delenv("LOCALAPPDATA")
    assert state_dir("win32") == tmp_path / "AppData" / "Local" / "restrip"


@posix
def test_the_run_folder_is_made_for_its_user_alone() -> None:
    assert run_folder().stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777])
def test_a_folder_open_to_others_is_refused(mode: int) -> None:
    folder = run_folder()
    folder.chmod(mode)
    with pytest.raises(UnsafeFolder, match="open to other users"):
        run_folder()


@posix
def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    tmp_path.chmod(0o700)
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFolder, match="link"):
        private_folder(tmp_path / "run")


@posix
def test_another_users_folder_and_file_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    path = run_folder() / "engine.json"
    path.write_text("{}")
    path.chmod(0o600)
    me = os.geteuid()
    monkeypatch.setattr(discovery.os, "geteuid", lambda: me + 1)
    with pytest.raises(UnsafeFolder, match="belongs to another user"):
        run_folder()
    with pytest.raises(UnsafeFolder, match="belongs to another user"):
        discovery.check_private(path)


@posix
def test_a_folder_above_that_others_write_to_is_refused(tmp_path: Path) -> None:
    above = tmp_path / "state"
    above.mkdir()
    above.chmod(0o777)
    with pytest.raises(UnsafeFolder, match="written to by other users"):
        private_folder(above / "run")


@posix
def test_a_connection_file_open_to_others_is_refused() -> None:
    path = run_folder() / "engine.json"
    path.write_text("{}")
    path.chmod(0o644)
    with pytest.raises(UnsafeFolder):
        read_connection()


def write(text: str) -> None:
    path = run_folder() / "engine.json"
    path.write_text(text)
    path.chmod(0o600)


def test_a_connection_is_read_back() -> None:
    there = Connection("id", "1.0", "0.1", 7, "tcp://a", "tcp://b", "s", "p", "x", ("python", "-m"), 1.0)
    write(json.dumps({**there.to_json(), "later": 1}))
    assert read_connection() == there
    assert "'x'" not in repr(there)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"engine_id": 1, "argv": 3}'])
def test_a_file_that_is_none_is_no_connection(text: str) -> None:
    write(text)
    assert read_connection() is None


def test_no_file_is_no_connection() -> None:
    assert read_connection() is None


def test_the_end_of_the_log() -> None:
    assert discovery.log_tail() == []
    (run_folder() / "engine.log").write_text("\n".join(str(n) for n in range(100)))
    assert discovery.log_tail(3) == ["97", "98", "99"]
