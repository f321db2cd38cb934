"""Many clients at once over an engine that pretends, and one that subscribes to everything and never reads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import zmq

from restrip.client import discovery
from restrip.client.client import Client, connect
from restrip.client.job import JobSpec
from restrip.client.wire import Wire
from restrip.timeline import ClipRange, Key, Rate

PRETEND = Path(__file__).with_name("pretend.py")
WAIT_S = 300.0


def small_job(job_id: str) -> JobSpec:
    """A job that no decoder ever sees."""
    return JobSpec(job_id, ClipRange(("/nowhere/clip.mp4",), Rate.of(25), 10), (Key(0),), "neural:1", project="p")


@contextmanager
def pretending(progress: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    """An engine of this state folder whose workers pretend."""
    argv = [sys.executable, str(PRETEND), "engine", str(progress)]
    engine = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connect("waits for it", start=False) if there(engine) else connect("nobody"):
            yield engine
    finally:
        engine.terminate()
        engine.wait()


def there(engine: subprocess.Popen[bytes]) -> bool:
    """Wait until the engine has written where it is."""
    import time

    while (found := discovery.read_connection()) is None or found.pid != engine.pid:
        if engine.poll() is not None:
            raise AssertionError("the engine ended")
        time.sleep(0.02)
    return True


@contextmanager
def stalled_subscriber() -> Iterator[None]:
    """Somebody who asks for all events and takes none."""
    wire = Wire(_connection())
    wire._events.setsockopt(zmq.RCVHWM, 1)
    wire.subscribe("")
    yield
    wire.close()


def hand_in(clients: int, jobs: int) -> dict[str, str]:
    """So many clients at once hand in so many jobs each and follow them to the end; the states that they see."""

    def visit(n: int) -> dict[str, str]:
        with connect(f"client {n}", project="p", start=False) as client:
            names = [f"job-{n}-{k}" for k in range(jobs)]
            for name in names:
                client.submit(small_job(name))
            return {name: client.watch(name, timeout_s=WAIT_S).state for name in names}

    states: dict[str, str] = {}
    with ThreadPoolExecutor(clients) as pool:
        for seen in pool.map(visit, range(clients)):
            states |= seen
    return states


def memory_mib(pid: int) -> float:
    """The most memory that a process had, in MiB; 0 where the system doesn't say."""
    path = Path(f"/proc/{pid}/status")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def asker() -> Client:
    """One more client."""
    return connect("asker", start=False)


def _connection() -> discovery.Connection:
    found = discovery.read_connection()
    assert found is not None
    return found
