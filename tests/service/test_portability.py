"""The branches for Windows and macOS, each run here against doubles of what these systems have."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from restrip.client import discovery
from restrip.service.log import KEPT, EngineLog, log, say
from restrip.service.requests.general import own_memory_mib
from restrip.service.workers import process, worker
from restrip.storage import locks, processes
from restrip.storage.locks import EngineLock


def test_the_lock_is_one_processs_alone(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    mine = EngineLock(path)
    assert mine.acquire()
    assert not EngineLock(path).acquire()
    program = (
        f"from pathlib import Path; from restrip.storage.locks import EngineLock; "
        f"print(EngineLock(Path({str(path)!r})).acquire())"
    )
    ask = [sys.executable, "-c", program]
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == "False"
    mine.release()
    assert path.exists()
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip() == "True"


@pytest.mark.parametrize("taken", [False, True])
def test_the_lock_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool) -> None:
    asked: list[tuple[int, int]] = []

    def locking(descriptor: int, mode: int, count: int) -> None:
        asked.append((mode, count))
        if taken:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setitem(sys.modules, "msvcrt", types.SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.setattr(locks.sys, "platform", "win32")
    assert EngineLock(tmp_path / "engine.lock").acquire() is not taken
    assert asked == [(2, 1)]


def test_a_worker_ends_with_its_parent_where_the_system_can_see_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, ...]] = []
    library = types.SimpleNamespace(prctl=lambda *numbers: asked.append(numbers))
    monkeypatch.setattr(ctypes, "CDLL", lambda name, **more: library)
    for platform in ("win32", "darwin"):
        worker.end_with_parent(platform)
    assert asked == []
    worker.end_with_parent("linux")
    assert asked == [(1, 9, 0, 0, 0)]


@pytest.mark.parametrize(("code", "runs"), [(259, True), (0, False)])
def test_whether_a_process_lives_on_windows(monkeypatch: pytest.MonkeyPatch, code: int, runs: bool) -> None:
    closed: list[int] = []

    def exit_code(handle: int, answer: Any) -> int:
        answer._obj.value = code
        return 1

    kernel = types.SimpleNamespace(
        OpenProcess=lambda rights, inherit, pid: 77 if pid == 5 else 0,
        GetExitCodeProcess=exit_code,
        CloseHandle=closed.append,
    )
    monkeypatch.setattr(ctypes, "windll", types.SimpleNamespace(kernel32=kernel), raising=False)
    assert processes._alive_on_windows(5) is runs
    assert closed == [77]
    assert processes._alive_on_windows(6) is False


def test_the_supervisors_memory_where_the_system_says_it() -> None:
    linux, mac = own_memory_mib("linux"), own_memory_mib("darwin")
    assert linux is None or 5 < linux < 100_000
    assert mac is not None and mac >= 0  # In kB here, in bytes there: only the branch is run.


def test_windows_has_no_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o777)
    with monkeypatch.context() as patch:
        patch.setattr(discovery, "_posix", lambda: False)
        discovery.check_private(tmp_path)
    with pytest.raises(discovery.UnsafeFolder):
        discovery.check_private(tmp_path)


@pytest.mark.parametrize("platform", ["win32", "linux"])
def test_a_worker_shows_no_console_on_windows(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    assert process.no_window(platform) == (0x08000000 if platform == "win32" else 0)


@pytest.fixture
def small_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("restrip.service.log.MOST_BYTES", 500)
    handler = EngineLog(tmp_path / "engine.log", take_over=False)
    log.addHandler(handler)
    log.setLevel("INFO")
    yield tmp_path
    log.removeHandler(handler)
    handler.close()


def test_the_log_is_turned_over(small_log: Path) -> None:
    for n in range(100):
        say("event", number=n, text="x" * 50)
    names = sorted(path.name for path in small_log.iterdir())
    assert names == ["engine.log", *(f"engine.log.{n}" for n in range(1, KEPT + 1))]
    assert all(path.stat().st_size < 1000 and path.stat().st_mode & 0o077 == 0 for path in small_log.iterdir())
    newest = (small_log / "engine.log.1").read_text().splitlines()[-1]
    assert '"event": "event"' in newest


def test_the_log_on_windows_is_emptied_in_place(small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("restrip.service.log._windows", lambda: True)
    for n in range(100):
        say("event", number=n, text="x" * 50)
    assert [path.name for path in small_log.iterdir()] == ["engine.log"]
