"""Every executor makes the same of a job: two workers here, a cluster with a shared folder, a cluster without."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "jobs")]

from floor import KEYS, Floor, entries, job, same  # noqa: E402
from job_bench import Little  # noqa: E402

from restrip.client.job import Manifest, Output  # noqa: E402
from restrip.service.executors import Executor, LocalExecutor  # noqa: E402
from restrip.service.executors.executor import Start  # noqa: E402
from restrip.service.executors.ray.cluster import RayExecutor, RaySettings  # noqa: E402
from restrip.service.limits import Limits  # noqa: E402
from restrip.service.workers.process import WorkerProcess  # noqa: E402

Make = Callable[[Start, Path, Limits], Executor]


def local(count: int) -> Make:
    return lambda start, root, limits: LocalExecutor(start, count)


def cluster(commands: Path, shared: str, window: int = 0) -> Make:
    driver = (str(Path(__file__).parent / "thread_cluster.py"),)
    settings = RaySettings(str(commands), shared, window)
    return lambda start, root, limits: RayExecutor(start, root, limits, settings, driver)


@pytest.fixture
def floors(tmp_path: Path) -> Iterator[Callable[[str, Make], Floor]]:
    """Engines that end with the test."""
    opened: list[Floor] = []

    def open_floor(name: str, make: Make) -> Floor:
        opened.append(Floor(tmp_path / name, make))
        return opened[-1]

    yield open_floor
    for floor in opened:
        floor.close()


Floors = Callable[[str, Make], Floor]


def drivers(floor: Floor) -> list[WorkerProcess]:
    return [child for child in floor.children if child.worker_id.startswith("ray-driver")]


def test_two_workers_here(floors: Floors, little: Little, alone: Manifest, tmp_path: Path) -> None:
    floor = floors("two", local(2))
    floor.submit(job(little, tmp_path / "out"))
    floor.until(lambda: len(floor.at_work("part")) == 2)
    same(floor.manifest("job-1"), alone)


@pytest.mark.parametrize("shared", ["auto", "no"])
def test_a_cluster(floors: Floors, little: Little, alone: Manifest, tmp_path: Path, shared: str) -> None:
    floor = floors(shared, cluster(tmp_path / "commands", shared))
    floor.submit(job(little, tmp_path / "out"))
    same(floor.manifest("job-1"), alone)
    # Nothing stays behind on the machines but the files that the next task of the job would want.
    from restrip.client.discovery import state_dir

    left = {path.name for path in (state_dir() / "nodes").glob("*/*")}
    assert left == ({"files", "tasks"} if shared == "no" else set())
    assert not list((state_dir() / "nodes").glob("*/tasks/*"))


def test_a_machine_that_is_lost_costs_only_what_it_had(
    floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    floor = floors("lost", cluster(tmp_path / "commands", "auto"))
    floor.submit(job(little, tmp_path / "out"))
    floor.until(lambda: len(entries(tmp_path / "lost")) > len(KEYS))
    there = entries(tmp_path / "lost")
    (tmp_path / "commands").write_text("node-b")
    manifest = floor.manifest("job-1")
    assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in alone.strips]
    assert entries(tmp_path / "lost").items() >= there.items(), "something finished was made again"


def test_a_driver_that_is_lost_costs_only_what_it_had(
    floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    floor = floors("driver", cluster(tmp_path / "commands", "auto"))
    floor.submit(job(little, tmp_path / "out"))
    floor.until(lambda: bool(floor.at_work("part")))
    there = entries(tmp_path / "driver")
    drivers(floor)[0].kill()
    manifest = floor.manifest("job-1")
    assert len(drivers(floor)) == 2
    assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in alone.strips]
    assert entries(tmp_path / "driver").items() >= there.items()
    assert "retries" not in manifest.facts, "nobody was to blame"


def test_a_task_that_fails_on_two_machines_fails_the_job_with_both_reasons(
    floors: Floors, little: Little, tmp_path: Path
) -> None:
    floor = floors("twice", cluster(tmp_path / "commands", "auto"))
    (tmp_path / "commands").write_text("break:part")
    floor.submit(job(little, tmp_path / "out"))
    assert floor.over("job-1") == "failed"
    error = floor.engine.records["job-1"].error
    assert error is not None and error["code"] == "quarantined"
    assert sorted(machine for machine, _ in error["detail"]["failed"]) == ["node-a", "node-b"]
    assert all(why in error["message"] for why in ("broken on node-a", "broken on node-b"))
    # What was made before stays, and a retry goes on from there.
    there = entries(tmp_path / "twice")
    assert len(there) == len(KEYS)
    (tmp_path / "commands").unlink()
    floor.until(lambda: floor.engine.idle)
    floor.engine.resume("job-1", "retry")
    assert floor.over("job-1") == "done"
    assert entries(tmp_path / "twice").items() >= there.items()


def test_an_error_is_tried_elsewhere_once_and_bad_input_is_not(floors: Floors, little: Little, tmp_path: Path) -> None:
    floor = floors("error", cluster(tmp_path / "commands", "auto"))
    (tmp_path / "commands").write_text("fail:keys")
    floor.submit(job(little, tmp_path / "out"))
    assert floor.over("job-1") == "failed"
    error = floor.engine.records["job-1"].error
    assert error is not None and error["code"] == "file-trouble"
    assert len({machine for machine, _ in error["detail"]["failed"]}) == 2
    (tmp_path / "commands").unlink()
    floor.submit(little.job("job-2", 1, look="keys:/nowhere", output=Output(format="ffv1")))
    assert floor.over("job-2") == "failed"
    error = floor.engine.records["job-2"].error
    assert error is not None and "failed" not in error["detail"]


def test_a_job_is_cancelled(floors: Floors, little: Little, tmp_path: Path) -> None:
    floor = floors("cancel", cluster(tmp_path / "commands", "auto"))
    floor.submit(job(little, tmp_path / "out"))
    floor.until(lambda: bool(floor.at_work("part")))
    floor.engine.cancel("job-1")
    assert floor.over("job-1") in ("cancelled", "done")
    floor.until(lambda: floor.engine.idle)


def test_no_cluster_fails_the_job_and_the_next_tries_again(
    floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    floor = floors("none", cluster(tmp_path / "missing" / "commands", "auto"))
    floor.submit(job(little, tmp_path / "out"))
    assert floor.over("job-1") == "failed"
    error = floor.engine.records["job-1"].error
    assert error is not None and error["code"] == "ray-unreachable"
    (tmp_path / "missing").mkdir()
    floor.engine.resume("job-1", "retry")
    assert floor.over("job-1") == "done"


def test_no_more_is_in_flight_than_the_window_allows(
    floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    floor = floors("window", cluster(tmp_path / "commands", "auto", window=1))
    floor.submit(job(little, tmp_path / "out"))
    most = 0

    def over() -> bool:
        nonlocal most
        most = max(most, len(floor.at_work("part")))
        return floor.engine.records["job-1"].state == "done"

    floor.until(over)
    assert most == 1
    same(floor.manifest("job-1"), alone)
