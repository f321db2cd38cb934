"""How long a job may still take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_bench import Bench, stopped_clock

from restrip.jobs.resources.throughput import Throughput
from restrip.service import job_progress as progress_module
from restrip.service import task_lifecycle as outcomes_module
from restrip.service.eta import Eta
from restrip.service.scheduler import Run
from restrip.service.workers import events as hearing_module
from restrip.service.workers import slot as slot_module

PLAN = {"missing_keys": [0, 1], "missing_parts": [0, 1], "part_frames": [10, 20, 5], "size": [1000, 1000]}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The engine's time; a test moves it."""
    return stopped_clock(monkeypatch, slot_module, hearing_module, outcomes_module, progress_module)


def whole_job(bench: Bench, clock: list[float], job_id: str, plan: dict[str, Any] = PLAN) -> list[float | None]:
    """A job whose keys take 3 s, whose frames take 2 s, and whose end takes 7; what was said at each stage's begin."""
    said: list[float | None] = []
    bench.submit(job_id)
    worker = bench.tick()
    said.append(bench.engine.status(job_id).eta_s)
    bench.done(worker, **plan)
    for seconds, _ in ((6, "keys"), (20, "part"), (40, "part"), (7, "finish")):
        bench.engine.tick()
        said.append(bench.engine.status(job_id).eta_s)
        clock[0] += seconds
        bench.done(worker, rendered=1)
    assert bench.state(job_id) == "done"
    return said


def test_the_first_job_knows_its_present_stage_at_most(tmp_path: Path, clock: list[float]) -> None:
    assert whole_job(Bench(tmp_path), clock, "job-1") == [None] * 5


def test_the_next_one_knows_the_whole_from_the_plan_on(tmp_path: Path, clock: list[float]) -> None:
    bench = Bench(tmp_path)
    whole_job(bench, clock, "job-1")
    assert whole_job(bench, clock, "job-2") == [None, 73.0, 67.0, 47.0, 7.0]
    # It is kept for the next engine, and counts by pixels: a quarter of them takes a quarter of the time.
    again = Bench(tmp_path)
    small = whole_job(again, clock, "job-3", {**PLAN, "size": [500, 500]})
    assert small[1] == pytest.approx(73 / 4, abs=0.1)


def test_the_stage_at_work_goes_by_its_own_pace(tmp_path: Path, clock: list[float]) -> None:
    bench = Bench(tmp_path)
    whole_job(bench, clock, "job-1")
    bench.submit("job-2")
    worker = bench.tick()
    bench.done(worker, **PLAN)
    bench.engine.tick()
    clock[0] += 30
    bench.say(worker, "progress", phase="keys", done=50, total=100)
    # Half of the keys took 30 s, so the other half will; then 60 s of frames and 7 s of ending.
    assert bench.engine.status("job-2").eta_s == 30 + 60 + 7


def test_several_workers_share_what_can_be_shared(tmp_path: Path) -> None:
    eta = Eta(Throughput(tmp_path / "pace.json", {"keys neural": 3.0, "parts": 2.0, "finish": 0.2}))
    run = Run("job-1", "s", 0.0, look="neural:1", stage="keys", facts=PLAN)
    assert eta.expected_s(run, "keys", 1) == 6 and eta.expected_s(run, "keys", 3) == 2
    assert eta.later_s(run, 2) == 30 + 7
    assert Eta(Throughput(tmp_path / "none")).later_s(run, 1) is None


def test_what_was_in_the_cache_after_all_teaches_nothing(tmp_path: Path, clock: list[float]) -> None:
    bench = Bench(tmp_path)
    bench.submit("job-1")
    worker = bench.tick()
    bench.done(worker, **PLAN)
    bench.engine.tick()
    bench.done(worker, rendered=0)
    assert bench.engine.eta.throughput.seconds == {}


def test_a_stage_that_is_over_is_on_the_disk_for_whoever_asks(tmp_path: Path, clock: list[float]) -> None:
    bench = Bench(tmp_path)
    bench.submit("job-1")
    worker = bench.tick()
    bench.done(worker, **PLAN)
    bench.engine.tick()
    clock[0] += 6
    bench.done(worker, rendered=2)
    assert Throughput.load(tmp_path).seconds == {"keys neural": 3.0}


def test_a_full_disk_costs_the_estimates_only(
    tmp_path: Path, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(throughput: Throughput) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Throughput, "save", full)
    whole_job(Bench(tmp_path), clock, "job-1")
