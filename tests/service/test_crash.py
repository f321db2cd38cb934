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

from restrip.client import discovery
from restrip.client.client import Client, EngineUnreachable, connect
from restrip.client.job import JobSpec, Manifest, Output
from restrip.client.status import JobStatus
from restrip.storage import processes
from restrip.storage.json_files import file_sha256
from restrip.storage.locks import EngineLock

pytestmark = pytest.mark.usefixtures("engine")
WAIT_S = 120.0
PHASES = ("reading", "keys", "motion", "propagating", "writing", "manifest")
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
        until(lambda: not any(processes.alive(pid) for pid in [engine_pid, *workers]))
        lock = EngineLock(discovery.run_folder() / "engine.lock")
        until(lock.acquire)
        lock.release()
    return whom


def go_on(client: Client, job_id: str) -> None:
    """What a user does: look at the job, resume or retry it when it lies there."""
    for _ in range(3):
        try:
            state = client.status(job_id).state
            if state in ("interrupted", "paused"):
                client.resume(job_id)
            elif state == "failed":
                client.retry(job_id)
            return
        except EngineUnreachable:
            continue
    raise AssertionError("the engine doesn't come back")


def reached(phase: str, status: JobStatus, out: Path) -> bool:
    """Whether the job is in this phase; the manifest's begins when the last of the other files is there."""
    if phase == "manifest":
        return status.phase == "writing" and (out / "preview.mp4").exists()
    return status.state == "running" and status.phase == phase


class Disturbed:
    """Jobs that are struck, one after the other, each compared with an undisturbed one when it is done."""

    def __init__(self, client: Client, little: Little, place: Path, seed: int) -> None:
        self.client, self.little, self.place = client, little, place
        self.dice = random.Random(seed)
        self.whole = undisturbed(client, little, place / "whole")
        self.number = 0
        self.struck: list[tuple[str, str]] = []
        self.new_job()

    def new_job(self) -> None:
        self.number += 1
        self.job_id, self.out = f"job-{self.number}", self.place / str(self.number)
        self.client.submit(job(self.little, self.job_id, self.out))

    def strike_in(self, phase: str) -> None:
        """Wait for the phase, at most for three jobs, then strike a little later."""
        end, until_s = self.number + 3, time.monotonic() + 5 * WAIT_S
        while self.number < end:
            status = self.client.status(self.job_id)
            assert time.monotonic() < until_s, status
            if reached(phase, status, self.out):
                break
            if status.state == "done":
                self.check()
                self.new_job()
            elif status.state == "failed":  # Its worker was killed twice: by us.
                assert status.error is not None and status.error["code"] in ("quarantined", "worker-died"), status.error
                self.client.retry(self.job_id)
            time.sleep(0.002)
        else:
            phase = "any"
        time.sleep(self.dice.uniform(0, 0.05))
        there = entries()
        self.struck.append((phase, strike(self.dice, _pid())))
        go_on(self.client, self.job_id)
        assert entries().items() >= there.items(), "something finished was rendered again, or lost"

    def check(self) -> None:
        """The job that is done has the same files, and nothing else lies about."""
        manifest = self.client.manifest(self.job_id)
        assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in self.whole.strips]
        assert [file_sha256(Path(s.file)) for s in manifest.strips] == [s.sha256 for s in self.whole.strips]
        assert manifest.fades == self.whole.fades
        assert {path.name for path in self.out.iterdir()} == {path.name for path in (self.place / "whole").iterdir()}
        counts = manifest.counts
        assert counts["keys_rendered"] + counts["keys_cached"] == len(KEYS)
        self.client.discard(self.job_id)
        assert entries() == {}

    def finish(self) -> None:
        """Let the last job come to its end."""
        while (status := self.client.watch(self.job_id, timeout_s=WAIT_S)).state != "done":
            assert status.state in ("failed", "interrupted", "paused"), status
            go_on(self.client, self.job_id)
        self.check()


def disturb(little: Little, place: Path, moments: int, seed: int) -> list[tuple[str, str]]:
    """Strike at so many moments, over all phases in turn; which phases were met and who was struck."""
    with connect("test") as client:
        made = Disturbed(client, little, place, seed)
        for n in range(moments):
            made.strike_in(PHASES[n % len(PHASES)])
        made.finish()
    return made.struck


def _pid() -> int:
    connection = discovery.read_connection()
    assert connection is not None
    return connection.pid


def test_killed_in_every_phase(little: Little, tmp_path: Path) -> None:
    assert len(disturb(little, tmp_path, len(PHASES), seed=7)) == len(PHASES)


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("RESTRIP_SLOW_TESTS"), reason="minutes: set RESTRIP_SLOW_TESTS=1")
def test_killed_at_fifty_random_moments(little: Little, tmp_path: Path) -> None:
    struck = disturb(little, tmp_path, 50, seed=11)
    phases, whom = [phase for phase, _ in struck], [who for _, who in struck]
    assert min(whom.count(who) for who in ("worker", "engine", "both")) >= 8, struck
    assert phases.count("any") <= 20, struck
    print({phase: phases.count(phase) for phase in (*PHASES, "any")}, {who: whom.count(who) for who in set(whom)})
