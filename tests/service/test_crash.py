"""kill -9 of worker, supervisor and both, at random moments: nothing is lost, nothing is rendered twice."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from engine_bench import children_of, until
from job_bench import Little

from restrip.link import discovery
from restrip.link.client import Client, EngineUnreachable, connect
from restrip.link.job import JobSpec, Manifest, Output
from restrip.service.lock import EngineLock

pytestmark = pytest.mark.usefixtures("engine")
WAIT_S = 120.0
KEYS = (1, 4, 7, 10, 13, 16, 19, 22)


def job(little: Little, job_id: str, out: Path) -> JobSpec:
    output = Output(folder=str(out), preview=True, format="ffv1")
    return little.job(job_id, *KEYS, output=output, cuts=None)


def entries() -> dict[Path, tuple[int, int]]:
    """Every finished picture and movie in the cache, with inode and size."""
    cache = discovery.state_dir() / "cache"
    found = {}
    for kind in ("keys", "segments"):
        for facts in (cache / kind).glob("??/*/facts.json"):
            for path in facts.parent.iterdir():
                if path.name != "facts.json":
                    found[path] = (path.stat().st_ino, path.stat().st_size)
    return found


def undisturbed(client: Client, little: Little, out: Path) -> Manifest:
    client.submit(job(little, "job-0", out))
    assert client.watch("job-0", timeout_s=WAIT_S).state == "done"
    manifest = client.manifest("job-0")
    client.discard("job-0")
    assert entries() == {}
    return manifest


def strike(dice: random.Random, engine_pid: int) -> str:
    """Kill the worker, the supervisor or both; returns which."""
    whom = dice.choice(("worker", "engine", "both"))
    workers = children_of(engine_pid)
    if whom in ("worker", "both"):
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
    if whom in ("engine", "both"):
        os.kill(engine_pid, signal.SIGKILL)
        # No orphan outlives its engine, and no stale lock stays.
        until(lambda: not any(discovery.alive(pid) for pid in [engine_pid, *workers]))
        lock = EngineLock(discovery.run_folder() / "engine.lock")
        until(lock.acquire)
        lock.release()
    return whom


def go_on(client: Client, job_id: str) -> str:
    """What a user does: look at the job, resume or retry it when it lies there. Returns its state then."""
    for _ in range(3):
        try:
            state = client.status(job_id).state
            if state in ("interrupted", "paused"):
                client.resume(job_id)
            elif state == "failed":
                client.retry(job_id)
            return client.status(job_id).state
        except EngineUnreachable:
            continue
    raise AssertionError("the engine doesn't come back")


def disturb(little: Little, place: Path, moments: int, seed: int) -> dict[str, int]:
    """Run jobs, struck at `moments` random moments, and compare each with an undisturbed one."""
    dice = random.Random(seed)
    struck: dict[str, int] = {}
    with connect("test") as client:
        whole = undisturbed(client, little, place / "whole")
        number = 0
        while sum(struck.values()) < moments:
            number += 1
            job_id, out = f"job-{number}", place / str(number)
            client.submit(job(little, job_id, out))
            while client.status(job_id).state != "done":
                there = entries()
                time.sleep(dice.uniform(0, 1.2))
                if sum(struck.values()) < moments:
                    whom = strike(dice, _pid())
                    struck[whom] = struck.get(whom, 0) + 1
                go_on(client, job_id)
                now = entries()
                assert now.items() >= there.items(), "something finished was rendered again, or lost"
            manifest = client.manifest(job_id)
            assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in whole.strips]
            assert manifest.fades == whole.fades
            assert all(Path(s.file).exists() for s in manifest.strips) and Path(manifest.preview).exists()
            client.discard(job_id)
    return struck


def _pid() -> int:
    connection = discovery.read_connection()
    assert connection is not None
    return connection.pid


def test_killed_now_and_then(little: Little, tmp_path: Path) -> None:
    assert sum(disturb(little, tmp_path, 5, seed=7).values()) == 5


@pytest.mark.slow
def test_killed_at_fifty_random_moments(little: Little, tmp_path: Path) -> None:
    struck = disturb(little, tmp_path, 50, seed=11)
    assert min(struck.get(whom, 0) for whom in ("worker", "engine", "both")) >= 8
