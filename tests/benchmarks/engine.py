"""How fast the engine answers, idle and under load, and how much it holds.

    python tests/benchmarks/engine.py [--clients 100] [--jobs 1000] [--listed 10000] [--clip FILE]

Everything runs in a state folder of its own. Where only the supervisor counts its workers pretend (tests/service/
pretend.py); the time to the first progress is a real engine's. Ends with 1 when a limit is passed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))

from crowd import asker, hand_in, memory_mib, pretending, small_job, stalled_subscriber
from engine_bench import end_engine, until

from restrip.client.client import connect
from restrip.client.job import JobSpec
from restrip.jobs.model.store import Record, Store
from restrip.timeline import ClipRange, Key, Rate

PING_MS = 50.0
LIST_MS = 100.0
MEMORY_MIB = 150.0
HOUR_OF_EVENTS = 36_000


@contextmanager
def fresh_state() -> Iterator[Path]:
    """A state folder for this part alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESTRIP_STATE_DIR"] = folder
        yield Path(folder)
        end_engine()


def times_ms(ask: Callable[[], object], count: int) -> list[float]:
    """How long each of `count` questions took, sorted."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)


def show(what: str, took: list[float], limit: float | None = None) -> bool:
    """Print a line; whether the 99th percentile keeps the limit."""
    p99 = took[min(len(took) - 1, int(len(took) * 0.99))]
    judged = "" if limit is None else f"   limit {limit:g}"
    print(
        f"{what:48} median {statistics.median(took):8.2f} ms   99 % {p99:8.2f}   worst {took[-1]:8.2f}{judged}",
        flush=True,
    )
    return limit is None or p99 <= limit


def round_trips() -> bool:
    """Idle, and while the worker holds Python's lock with four threads and every processor has more to do."""
    with fresh_state(), pretending(), asker() as client:
        good = show("ping, idle", times_ms(client.ping, 2000), PING_MS)
        client.submit(small_job("job-hog"))
        until(lambda: client.status("job-hog").phase == "propagating")
        good &= show("ping, beside a worker that hogs", times_ms(client.ping, 500), PING_MS)
        good &= show("status, beside a worker that hogs", times_ms(lambda: client.status("job-hog"), 500))
    return good


def first_progress(clip: Path) -> None:
    """From `submit` to the first word of the worker: with a worker to start, and with one that is there."""
    with fresh_state() as folder, connect("benchmark", project="p") as client:
        for name in ("a worker that starts", "a worker that is there"):
            length, job_id = 24, f"job-{name[9:11].strip()}-{time.monotonic_ns()}"
            range_ = ClipRange((str(clip),), Rate.of(25), length)
            spec = JobSpec(job_id, range_, (Key(0), Key(12)), "neural:1", project="p")
            client.subscribe(job_id)
            began = time.perf_counter()
            client.submit(spec)
            submitted = (time.perf_counter() - began) * 1000
            while not any(event.type == "progress" for event in client.events(1.0)):
                pass
            print(f"submit to first progress, {name:22} {(time.perf_counter() - began) * 1000:10.0f} ms")
            print(f"submit itself, on the disk (fsync) {submitted:24.1f} ms")
            client.watch(job_id, timeout_s=600)
            client.discard(job_id)
        del folder


def load(clients: int, jobs: int) -> bool:
    """Many clients, many jobs, a subscriber that takes nothing; then an hour of one job's events past it."""
    with fresh_state(), pretending() as engine, stalled_subscriber():
        began = time.perf_counter()
        states = hand_in(clients, max(1, jobs // clients))
        took = time.perf_counter() - began
        right = set(states.values()) == {"done"}
        print(f"{len(states)} jobs of {clients} clients: {len(states) / took:.1f} jobs a second, all done: {right}")
        good = right & held("the supervisor after them", engine.pid)
    with fresh_state(), pretending(HOUR_OF_EVENTS) as engine, stalled_subscriber():
        began = time.perf_counter()
        right = hand_in(1, 1) == {"job-0-0": "done"}
        took = time.perf_counter() - began
        print(f"{HOUR_OF_EVENTS} events past a stalled subscriber: {HOUR_OF_EVENTS / took:.0f} a second, done: {right}")
        good &= right & held("the supervisor after them", engine.pid)
    return good


def held(what: str, pid: int) -> bool:
    """Print the most memory that a process had."""
    mib = memory_mib(pid)
    print(f"{what:48} {mib:8.1f} MiB   limit {MEMORY_MIB:g}")
    return mib <= MEMORY_MIB


def listing(count: int) -> bool:
    """So many jobs on the disk: the engine's start, and lists of them."""
    with fresh_state() as root:
        store = Store(root)
        began = time.perf_counter()
        job = json.dumps(small_job("x").to_json())
        for n in range(count):
            folder = store.folder(f"job-{n:05}")
            folder.mkdir()
            (folder / "job.json").write_text(job)
            record = Record(folder.name, state="done", project="p", name="clip.mp4", created=float(n))
            (folder / "state.json").write_text(json.dumps(record.__dict__))
        made, began = time.perf_counter() - began, time.perf_counter()
        with pretending() as engine, asker() as client:
            started = time.perf_counter() - began
            print(f"{count} jobs laid out in {made:.1f} s; the engine that has them answers after {started:.2f} s")
            good = show(f"list the newest 100 of {count}", times_ms(lambda: client.jobs("*"), 50), LIST_MS)
            pages = times_ms(lambda: client.jobs("*", limit=count), 3)
            show(f"list all {count}, in pages", pages)
            good &= held("the supervisor with them", engine.pid)
    return good


def main() -> int:
    """Measure and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--listed", type=int, default=10_000)
    parser.add_argument("--clip", type=Path, help="a movie for the time to the first progress")
    options = parser.parse_args()
    good = round_trips()
    good &= listing(options.listed)
    good &= load(options.clients, options.jobs)
    if options.clip:
        first_progress(options.clip)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
