"""Files that are whole or not there, and the names of those that are being written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from restrip.storage import atomic
from restrip.storage.atomic import aside_of, is_aside, sync_folder, write_whole, writer_of


def test_a_name_tells_whose_it_is(tmp_path: Path) -> None:
    target = tmp_path / "strip.mp4"
    mine, again = aside_of(target), aside_of(target)
    assert mine != again and mine.parent == tmp_path and is_aside(mine)
    assert writer_of(mine, target) == writer_of(mine) == os.getpid()
    assert writer_of(mine, tmp_path / "other.mp4") == 0


OLD = (
    ("strip.mp4.aside-4711-a1b2c3d4", 4711),
    ("strip.mp4.aside-4711", 4711),
    (".aside-a1b2c3d4", 0),
    ("a1b2c3d4.aside-gone", 0),
)


@pytest.mark.parametrize(("name", "pid"), OLD)
def test_the_names_of_older_versions_are_found(tmp_path: Path, name: str, pid: int) -> None:
    path = tmp_path / name
    assert is_aside(path) and writer_of(path) == pid
    assert writer_of(path, tmp_path / "strip.mp4") == pid
    assert writer_of(path, tmp_path / "other.mp4") == 0


@pytest.mark.parametrize("name", ["strip.mp4", "strip.mp4.part", ".hidden.part", ".x-4711-y.part", "aside-4711"])
def test_other_files_are_nobodys(tmp_path: Path, name: str) -> None:
    assert not is_aside(tmp_path / name) and writer_of(tmp_path / name) == 0


def test_a_file_is_put_in_place_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a"
    write_whole(target, b"first\n", mode=0o600)
    assert target.stat().st_mode & 0o777 == 0o600

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(target, b"second\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert target.read_bytes() == b"first\n"


def test_a_rename_on_windows_waits_for_a_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []
    real = os.replace

    def held(source: Any, target: Any) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(13, "held by a reader")
        real(source, target)

    monkeypatch.setattr(atomic.os, "replace", held)
    monkeypatch.setattr(atomic.time, "sleep", lambda seconds: None)
    (tmp_path / "a").write_text("new")
    with pytest.raises(PermissionError):
        atomic.replace(tmp_path / "a", tmp_path / "b")
    # Path knows its kind already: only the module's own question is answered differently.
    monkeypatch.setattr(atomic, "_windows", lambda: True)
    tries.clear()
    atomic.replace(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new" and len(tries) == 3


def test_windows_syncs_folders_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")
    monkeypatch.setattr(atomic, "_windows", lambda: True)
    sync_folder(tmp_path / "gone")
