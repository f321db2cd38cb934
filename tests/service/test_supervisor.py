"""Who may be the engine."""

from __future__ import annotations

import os

import pytest

from restrip.link.discovery import Connection, run_folder
from restrip.service import supervisor
from restrip.service.lock import EngineLock
from restrip.service.server import write_connection


@pytest.fixture
def held() -> EngineLock:
    """The lock, held by another."""
    lock = EngineLock(run_folder() / "engine.lock")
    assert lock.acquire()
    return lock


def mine() -> EngineLock:
    return EngineLock(run_folder() / "engine.lock")


def engine(pid: int, stopped: str = "") -> None:
    write_connection(run_folder(), Connection("id", pid=pid, requests="tcp://127.0.0.1:1", stopped=stopped))


def test_while_an_engine_runs_there_is_no_second(held: EngineLock, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(os.getpid())
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: pytest.fail("it waited"))
    assert not supervisor.take(mine())


@pytest.mark.parametrize("last", ["clean", "crashed", "none"])
def test_one_that_has_just_ended_may_hold_the_lock_for_a_moment(
    held: EngineLock, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    if last != "none":
        engine(2**30, "clean" if last == "clean" else "")
    monkeypatch.setattr(supervisor.time, "sleep", lambda seconds: held.release())
    lock = mine()
    assert supervisor.take(lock)
    lock.release()


def test_a_lock_that_nobody_gives_back_is_left_alone(held: EngineLock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HAND_OVER_S", 0.0)
    assert not supervisor.take(mine())
    held.release()
