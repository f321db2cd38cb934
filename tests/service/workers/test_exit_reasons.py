"""Why a worker ended, told apart; each with words and a remedy of its own."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import zmq
from engine_bench import Bench, FakeWorker

from restrip.client.worker_crashes import last_deaths
from restrip.service.limits import Limits
from restrip.service.scheduler import WorkerTask
from restrip.service.workers import exit_reasons, process
from restrip.service.workers.errors import REMEDIES, WHAT, Quarantined, WorkerDied
from restrip.service.workers.exit_reasons import ending_of
from restrip.service.workers.oom_kills import memory_kills
from restrip.service.workers.process import INBOX, WorkerProcess
from restrip.service.workers.slot import Slot
from restrip.service.workers.spec import RENDER


def ended(**known: Any) -> tuple[str, str]:
    """Cause and facts of a slot whose worker ended like this."""
    slot = Slot(
        RENDER, lambda place, name: FakeWorker(name), Limits(), FakeWorker("w"), WorkerTask("t", "keys"), ready=True
    )
    for name, value in known.items():
        setattr(slot.worker if hasattr(slot.worker, name) else slot, name, value)
    found = ending_of(slot)
    return found.cause, found.what


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"why": "hung"}, ("deadline", "after 120 s")),
        ({"why": "cancelled"}, ("deadline", "it didn't stop within 7 s")),
        ({"why": "MemoryError: x", "cause": "memory"}, ("memory", "MemoryError: x")),
        ({"why": "RuntimeError: CUDA error"}, ("exception", "RuntimeError: CUDA error")),
        ({"why": "ImportError: y", "cause": "import"}, ("import", "ImportError: y")),
        ({"exit_code": -9}, ("signal", "SIGKILL")),
        ({"exit_code": -9, "memory_ran_out": True}, ("memory", "SIGKILL")),
        ({"exit_code": -11, "memory_ran_out": True}, ("signal", "SIGSEGV")),
        ({"exit_code": -63}, ("signal", "signal 63")),
        ({"exit_code": 3}, ("exit", "exit code 3")),
        ({"exit_code": 1, "ready": False, "last_words": "ImportError: z"}, ("import", "ImportError: z")),
        ({"exit_code": -9, "ready": False}, ("signal", "SIGKILL")),
        ({"exit_code": 0xC0000005}, ("signal", "0xc0000005")),
        ({"exit_code": 0xC0000017}, ("memory", "0xc0000017")),
        ({"exit_code": None}, ("", "")),
    ],
)
def test_causes_are_told_apart(known: dict[str, Any], expected: tuple[str, str]) -> None:
    assert ended(**known) == expected


def test_each_cause_has_its_own_words_and_remedy() -> None:
    assert set(WHAT) == set(REMEDIES) == {"memory", "signal", "import", "exception", "deadline", "exit", ""}
    assert len(set(WHAT.values())) == len(WHAT) and len(set(REMEDIES.values())) == len(REMEDIES)
    assert [cause for cause, words in REMEDIES.items() if "smaller size" in words] == ["memory"]
    for cause in WHAT:
        made = exit_reasons.ExitReason(cause, "the facts")
        for error in (WorkerDied(made, "keys"), Quarantined(made, "keys", 2)):
            assert "the facts" in str(error) and WHAT[cause] in str(error) and REMEDIES[cause] == error.remedy
            assert error.detail == {"kind": "keys", "cause": cause, "why": "the facts"}


def test_what_the_system_counts(tmp_path: Path) -> None:
    assert memory_kills(tmp_path, tmp_path) == 0
    (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 2\n")
    assert memory_kills(tmp_path, tmp_path) == 2
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text("4:cpu:/x\n3:memory:/a\n0::/b\n")
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.oom_control").write_text("oom_kill_disable 0\noom_kill 4\n")
    assert memory_kills(tmp_path, tmp_path) == 4  # The whole computer's may be another program's.
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "memory.events").write_text("low 0\noom_kill 3\n")
    assert memory_kills(tmp_path, tmp_path) == 7
    assert memory_kills() >= 0


def real_end(program: str) -> WorkerProcess:
    """A real child that runs a program and is gone."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    inbox = context.socket(zmq.PULL)
    inbox.bind(INBOX)
    worker = WorkerProcess("w", context, argv=("-c", program))
    assert inbox.poll(60_000) and inbox.recv_multipart() == [b"w", b""]
    inbox.close()
    context.term()
    return worker


def test_what_is_known_of_a_real_process(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([5, 6])
    monkeypatch.setattr(process, "memory_kills", lambda: next(counts))
    killed = real_end("import os; os.kill(os.getpid(), 9)")
    assert killed.exit_code == -signal.SIGKILL and killed.memory_ran_out
    monkeypatch.setattr(process, "memory_kills", lambda: 5)
    broken = real_end("import restrip.no_such_part")
    assert broken.exit_code == 1 and "No module named 'restrip.no_such_part'" in broken.last_words
    assert not broken.memory_ran_out


def test_the_last_deaths_are_written_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for n in range(12):
        bench.submit(f"job-{n}")
    for _ in range(24):
        bench.dies(bench.tick(), -signal.SIGKILL)
    kept = last_deaths(tmp_path)
    assert len(kept) == 20 and kept == bench.engine.lifecycle.deaths.last
    assert (kept[-1]["cause"], kept[-1]["task"], kept[-1]["job"]) == ("signal", "prepare", "job-11")
    assert "SIGKILL" in kept[-1]["what"] and kept[-1]["remedy"] == REMEDIES["signal"]
    assert Bench(tmp_path).engine.lifecycle.deaths.last == kept  # The next engine knows of them too.


def test_what_an_exception_quotes_is_not_written_down(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.submit("job-1")
    worker = bench.tick()
    bench.say(worker, "crash", what="RuntimeError: CUDA error at 'a pale horse'", cause="exception")
    bench.dies(worker, 1)
    assert "RuntimeError" in last_deaths(tmp_path)[0]["what"]
    assert "horse" not in (tmp_path / "deaths.json").read_text()


@pytest.mark.parametrize("broken", ["", "[]", '{"deaths": 3}', '{"deaths": [{"time": 1}, 4]}', "{" * 5000])
def test_a_record_that_cant_be_read_is_none(broken: str, tmp_path: Path) -> None:
    (tmp_path / "deaths.json").write_text(broken)
    assert last_deaths(tmp_path) == []


def test_a_worker_that_leaves_as_it_should_is_no_death(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.submit("job-1")
    worker = bench.tick()
    bench.say(worker, "error", error={"code": "x"})
    bench.engine.free_gpu()
    bench.dies(worker, 0)
    assert last_deaths(tmp_path) == []
