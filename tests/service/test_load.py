"""Many at once: all end in the right state, and the supervisor stays small. The whole load is in the benchmark."""

from __future__ import annotations

import pytest
from crowd import asker, hand_in, memory_mib, pretending, small_job, stalled_subscriber
from engine_bench import until

LIMIT_MIB = 150


def test_many_clients_and_a_stalled_subscriber() -> None:
    with pretending(progress=50) as engine, stalled_subscriber():
        states = hand_in(clients=12, jobs=5)
        assert set(states.values()) == {"done"} and len(states) == 60
        with asker() as client:
            assert {job.state for job in client.jobs("*")} == {"done"}
            assert {c["client"].partition(" ")[0] for c in client.engine_status()["clients"]} >= {"client", "asker"}
        assert memory_mib(engine.pid) < LIMIT_MIB


def test_a_long_job_through_a_stalled_subscriber() -> None:
    """As many events as ten minutes of a job have."""
    with pretending(progress=6000) as engine, stalled_subscriber():
        assert hand_in(clients=1, jobs=1) == {"job-0-0": "done"}
        assert memory_mib(engine.pid) < LIMIT_MIB


def test_a_worker_that_hogs_leaves_the_engine_answering(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTRIP_CANCEL_S", "0.2")
    with pretending(), asker() as client:
        client.submit(small_job("job-hog"))
        until(lambda: client.status("job-hog").phase == "propagating")
        for _ in range(20):
            assert client.ping()["busy"]
        client.cancel("job-hog")
        assert client.watch("job-hog", timeout_s=300).state == "cancelled"
