"""Who may be the engine."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from crowd import PRETEND, WAIT_S, small_job
from engine_bench import until

from restrip.client.client import Client, connect
from restrip.client.discovery import Connection, read_connection, run_folder, start_trouble, state_dir
from restrip.jobs.model.store import Record
from restrip.service import supervisor
from restrip.service.executors.choice import Choice
from restrip.service.installed import Installed, Now
from restrip.service.limits import Limits
from restrip.service.server import write_connection
from restrip.service.supervisor import Supervisor
from restrip.storage.locks import EngineLock


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


# ---------------------------------------------------------------------- its workers, and its own package


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """An engine that runs on a thread here; its workers pretend unless the test says otherwise."""
    monkeypatch.setattr(supervisor, "WORKER", (str(PRETEND), "worker", "2"))
    made = Supervisor(run_folder(), Limits(beat_s=0.05, cancel_s=0.2, workers=1), Choice())
    thread = threading.Thread(target=made.run)
    thread.start()
    until(lambda: read_connection() is not None)
    yield made
    made.dispatcher.quitting = True
    thread.join()


@pytest.fixture
def client(there: Supervisor) -> Iterator[Client]:
    """A client of that engine."""
    with connect("test", project="p", start=False) as made:
        yield made


def stopped() -> str:
    found = read_connection()
    return found.stopped if found is not None else ""


def test_an_idle_engine_leaves_by_itself(there: Supervisor, client: Client) -> None:
    client.submit(small_job("job-hog"))
    until(lambda: client.status("job-hog").phase == "propagating")
    there.limits = replace(there.limits, engine_idle_s=0.0)
    client.cancel("job-hog")  # While it works it stays, and answers.
    until(lambda: stopped() == "clean")
    state = json.loads((run_folder().parent / "jobs" / "job-hog" / "state.json").read_text())
    assert state["state"] == "cancelled"


NONSENSE = {
    "text": "print('hello')",
    "huge": "sys.stdout.write('x' * 3_000_000)",
    "huge and JSON": "print(json.dumps({'t': 'result', 'id': task['id'], 'result': {'x': 'y' * 2_000_000}}))",
    "no result": "print(json.dumps({'t': 'result', 'id': task['id'], 'result': {}}))",
    "numbers": 'print(\'{"t": "result", "id": "\' + task[\'id\'] + \'", "result": {"a": NaN}}\')',
    "bytes": "sys.stdout.buffer.write(bytes(range(256)) * 10 + b'\\n')",
    "end": "sys.exit(3)",
    "trace": "raise SystemError('a pale horse')",
    "death": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_no_worker_ends_the_engine(client: Client, monkeypatch: pytest.MonkeyPatch, nonsense: str) -> None:
    program = (
        f"import json, os, sys, time\ntask = json.loads(input())\n{NONSENSE[nonsense]}\nsys.stdout.flush()\ninput()"
    )
    monkeypatch.setattr(supervisor, "WORKER", ("-c", program))
    client.submit(small_job("job-1"))
    status = client.watch("job-1", timeout_s=WAIT_S)
    assert status.state == "failed" and status.error is not None
    assert status.error["code"] in ("worker-fault", "worker-died", "quarantined") and status.error["detail"]["why"]
    monkeypatch.setattr(supervisor, "WORKER", (str(PRETEND), "worker", "2"))
    client.retry("job-1")
    assert client.watch("job-1", timeout_s=WAIT_S).state == "done"


def test_an_engine_that_was_upgraded_finishes_and_makes_room(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.submit(small_job("job-hog"))
    until(lambda: client.status("job-hog").phase == "propagating")
    monkeypatch.setattr(Installed, "look", lambda self: Now.CHANGED)
    monkeypatch.setattr(supervisor, "start_engine", lambda: pytest.fail("nothing waits"))
    until(lambda: bool(client.engine_status()["draining"]))
    assert client.status("job-hog").state == "running"
    client.submit(small_job("job-hog"))  # The same again is no new job.
    client.cancel("job-hog")
    until(lambda: stopped() == "clean", WAIT_S)
    stored = json.loads((run_folder().parent / "jobs" / "job-hog" / "state.json").read_text())
    assert stored["state"] == "cancelled"


def test_an_engine_whose_files_are_gone_hands_its_jobs_over_and_ends(
    there: Supervisor, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.submit(small_job("job-hog"))
    client.submit(small_job("job-2"))
    until(lambda: client.status("job-hog").phase == "propagating")
    monkeypatch.setattr(Installed, "look", lambda self: Now.GONE)
    monkeypatch.setattr(supervisor, "is_whole", lambda: False)
    until(lambda: bool(client.engine_status()["draining"]))
    run = there.engine.scheduler.runs["job-hog"]
    slot = there.engine.pool.slots["render"]
    assert slot.worker is not None
    slot.worker.kill()  # Its task is no more at work; it isn't begun again, and the job isn't to blame.
    until(lambda: stopped() == "clean", WAIT_S)
    assert run.waiting and not there.has_heir
    for name in ("job-hog", "job-2"):
        assert json.loads((run_folder().parent / "jobs" / name / "state.json").read_text())["state"] == "queued"


def test_one_that_was_changed_starts_the_next_when_there_is_work_for_it(there: Supervisor, client: Client) -> None:
    assert not there.has_heir
    there.engine.handing_over = True
    assert not there.has_heir
    there.engine.records["job-1"] = Record("job-1", state="queued")
    assert there.has_heir
    del there.engine.records["job-1"]
    there.engine.handing_over = False


@pytest.mark.parametrize("broken", ["jobs", "run/engine.lock"])
def test_a_folder_that_cant_be_used_is_a_sentence(broken: str, capfd: pytest.CaptureFixture[str]) -> None:
    run_folder()
    path = state_dir() / broken
    path.touch() if broken == "jobs" else path.mkdir()
    began = time.time()
    handlers = list(supervisor.log.handlers)
    try:
        assert supervisor.serve(False) == 1
    finally:
        for handler in set(supervisor.log.handlers) - set(handlers):
            supervisor.log.removeHandler(handler)
            handler.close()
    trouble = start_trouble(began)
    assert trouble is not None and str(path) in trouble[0] and "RESTRIP_STATE_DIR" in trouble[1]
    said = capfd.readouterr().err
    assert str(path) in said and "Traceback" not in said
    assert start_trouble(began + 60) is None
