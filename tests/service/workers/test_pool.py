"""Several workers at one queue."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_bench import PLAN, Bench, FakeWorker

THREE = {"missing_keys": [], "missing_parts": [0, 1, 2], "part_frames": [10, 10, 10]}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, workers=2)


def at_parts(bench: Bench, job_id: str = "job-1") -> list[FakeWorker]:
    """The workers, each at a part of the job."""
    bench.submit(job_id)
    first = bench.tick()
    bench.done(first, **THREE)
    bench.engine.tick()
    return [worker for worker in bench.workers if worker.task["kind"] == "part"]


def test_the_parts_of_a_job_are_done_side_by_side(bench: Bench) -> None:
    one, two = at_parts(bench)
    assert [worker.task["body"]["part"] for worker in (one, two)] == [0, 1]
    bench.done(two, rendered=1)
    bench.engine.tick()
    assert two.task["body"] == {"part": 2}
    bench.done(two, rendered=1)
    bench.engine.tick()
    # The last stage begins when the last part is there, whoever made it.
    assert two.task["kind"] == "part" and bench.state("job-1") == "running"
    bench.done(one, rendered=1)
    bench.engine.tick()
    finishing = [worker for worker in (one, two) if worker.task["kind"] == "finish"]
    assert len(finishing) == 1
    assert finishing[0].task["body"]["made"] == {"keys": 0, "segments": 3}
    bench.done(finishing[0], manifest="m")
    assert bench.state("job-1") == "done"


def test_progress_adds_up_over_workers(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.say(one, "progress", phase="motion", done=50, total=100)
    bench.say(two, "progress", phase="motion", done=20, total=100)
    assert bench.engine.status("job-1").done == 7
    bench.done(one, rendered=1)
    bench.say(two, "progress", phase="propagating", done=50, total=100)
    assert bench.engine.status("job-1").done == 15


def test_two_sessions_have_a_worker_each(bench: Bench) -> None:
    bench.submit("job-1", session="a")
    bench.submit("job-2", session="b")
    bench.engine.tick()
    jobs = {Path(worker.task["job"]).name for worker in bench.workers}
    assert jobs == {"job-1", "job-2"}


def test_a_failure_stops_the_other_workers_of_the_job(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.say(one, "error", error={"code": "disk-full"})
    assert bench.state("job-1") == "failed"
    assert two.sent[-1] == {"t": "cancel", "id": two.task["id"]}
    bench.say(two, "error", error={"code": "cancelled"})
    assert bench.state("job-1") == "failed" and bench.engine.idle


def test_a_result_that_comes_after_the_failure_begins_nothing(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.say(one, "error", error={"code": "disk-full"})
    bench.done(two, rendered=1)
    bench.engine.tick()
    assert bench.state("job-1") == "failed" and bench.engine.idle
    assert one.task["kind"] == two.task["kind"] == "part"


def test_a_retry_takes_no_results_of_the_first_try(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.say(one, "error", error={"code": "disk-full"})
    bench.engine.resume("job-1", "retry")
    bench.engine.tick()
    assert one.task["kind"] == "prepare"
    bench.done(two, rendered=1)
    bench.engine.tick()
    assert bench.state("job-1") == "running"
    bench.done(one, **PLAN)
    bench.engine.tick()
    assert {worker.task["kind"] for worker in (one, two)} >= {"keys"}


def test_a_cancelled_job_is_over_when_all_have_stopped(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.engine.cancel("job-1")
    assert one.sent[-1]["t"] == two.sent[-1]["t"] == "cancel"
    bench.say(one, "error", error={"code": "cancelled"})
    assert bench.state("job-1") == "cancel_requested"
    bench.dies(two)
    assert bench.state("job-1") == "cancelled" and bench.engine.idle


def test_a_job_that_is_thrown_away_while_one_still_works_for_it(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.say(one, "error", error={"code": "disk-full"})
    bench.engine.forget("job-1")
    bench.say(two, "progress", phase="motion", done=1, total=2)
    bench.done(two, rendered=1)
    assert bench.state("job-1") == "unknown" and bench.engine.idle


def test_what_one_loses_another_may_do_again(bench: Bench) -> None:
    one, two = at_parts(bench)
    bench.dies(one)
    bench.done(two, rendered=1)
    bench.engine.tick()
    again = [worker for worker in bench.workers if worker not in (one,) and worker.task["attempt"] == 1]
    assert [worker.task["body"] for worker in again] == [{"part": 0}]
