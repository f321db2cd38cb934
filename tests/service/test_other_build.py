"""A client that finds an engine of another build: it finishes, and this build's own starts."""

from __future__ import annotations

import threading

import pytest
from crowd import WAIT_S, small_job
from engine_bench import until
from test_supervisor import client, there

from restrip.client import session
from restrip.client.client import Client, connect
from restrip.client.unreachable import OtherInstallation
from restrip.service.supervisor import Supervisor

__all__ = ["client", "there"]


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The clients of this test are of another build than the engine; what was started instead."""
    started: list[str] = []

    def start() -> None:
        started.append("engine")
        monkeypatch.setattr(session, "own_build", lambda: "")  # As if what runs now were its own.
        threading.Thread(target=Supervisor.run, args=(again[-1],)).start()

    from restrip.client.discovery import run_folder
    from restrip.service.executors.choice import Choice
    from restrip.service.limits import Limits

    again = [Supervisor(run_folder(), Limits(beat_s=0.05, workers=1), Choice())]
    monkeypatch.setattr(session, "own_build", lambda: "another")
    monkeypatch.setattr(session, "LOOK_S", 0.05)
    monkeypatch.setattr(session, "start_engine", start)
    yield started  # type: ignore[misc]
    again[-1].dispatcher.quitting = True
    if not started:
        again[-1].server.close()


def ended(monkeypatch: pytest.MonkeyPatch, there: Supervisor) -> None:
    """Engines of these tests are threads of one process: this one's end is its connection's."""
    from restrip.client.discovery import read_connection

    def lives(self: object, connection: object) -> bool:
        found = read_connection()
        return found is not None and not found.stopped and found.engine_id == connection.engine_id  # type: ignore[attr-defined]

    monkeypatch.setattr(session.EngineSession, "_lives", lives)


def test_it_finishes_what_runs_and_then_the_own_one_is_started(
    there: Supervisor, client: Client, other: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(monkeypatch, there)
    client.submit(small_job("job-hog"))
    until(lambda: client.status("job-hog").phase == "propagating")
    words: list[str] = []
    found: list[Client] = []

    def open_it() -> None:
        found.append(connect("another", on_wait=words.append))

    waiting = threading.Thread(target=open_it)
    waiting.start()
    until(lambda: bool(words))
    assert "another installation" in words[0] and "1 job first" in words[0]
    assert client.status("job-hog").state == "running" and there.engine.draining
    client.cancel("job-hog")
    waiting.join(WAIT_S)
    assert other == ["engine"] and found[0].hello["engine_id"] != there.server.engine_id
    found[0].close()


def test_without_words_it_waits_as_long_as_its_patience(
    there: Supervisor, client: Client, other: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended(monkeypatch, there)
    client.submit(small_job("job-hog"))
    until(lambda: client.status("job-hog").phase == "propagating")
    monkeypatch.setattr(session.EngineSession, "patience_s", 0.2)
    with pytest.raises(OtherInstallation, match="another installation") as caught:
        connect("another")
    assert caught.value.detail["jobs"] == 1 and other == []


def test_one_that_may_start_none_takes_what_it_finds(there: Supervisor, client: Client, other: list[str]) -> None:
    with connect("doctor", start=False) as found:
        assert found.hello["build"] == there.engine.installed.build and found.hello["installation"]
        assert {"build", "installation", "python"} <= set(found.engine_status())
    assert not there.engine.draining and other == []
