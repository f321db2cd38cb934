"""A real Ray cluster of two nodes on this machine."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "jobs")]

from floor import KEYS, Floor, entries, job, same  # noqa: E402
from job_bench import Little  # noqa: E402
from ray_nodes import Nodes  # noqa: E402

from restrip.client.job import Manifest  # noqa: E402
from restrip.service.executors.ray.cluster import RayExecutor, RaySettings  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        getattr(importlib.util.find_spec("ray"), "origin", None) is None,
        reason="Ray isn't installed: pip install 'restrip[ray]'",
    ),
]
Floors = Callable[[str, str, str], Floor]


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    # The state folder of the test is in the environment that the nodes inherit.
    made = Nodes()
    yield made
    made.close()


@pytest.fixture
def floors(tmp_path: Path) -> Iterator[Floors]:
    opened: list[Floor] = []

    def open_floor(name: str, address: str, shared: str = "auto") -> Floor:
        settings = RaySettings(address, shared)
        floor = Floor(tmp_path / name, lambda start, root, limits: RayExecutor(start, root, limits, settings))
        opened.append(floor)
        return floor

    yield open_floor
    for floor in opened:
        floor.close()


def workers_of(pid: int) -> list[int]:
    """The Ray workers below a process that do a task of ours just now."""
    found = []
    for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
        try:
            title = Path(f"/proc/{child}/cmdline").read_bytes()
        except OSError:
            continue
        found += [child] if title.startswith(b"ray::_do_task") else workers_of(child)
    return found


def test_the_same_manifest_and_hashes_with_and_without_a_shared_folder(
    nodes: Nodes, floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    for shared in ("auto", "no"):
        floor = floors(shared, nodes.address, shared)
        floor.submit(job(little, tmp_path / f"out-{shared}"))
        same(floor.manifest("job-1"), alone)
        assert floor.executor.facts()["machines"] == 2


def test_a_node_a_worker_and_the_driver_are_lost(
    nodes: Nodes, floors: Floors, little: Little, alone: Manifest, tmp_path: Path
) -> None:
    floor = floors("lost", nodes.address, "auto")

    def drivers() -> list[int]:
        return [child.pid for child in floor.children if child.worker_id.startswith("ray-driver")]

    def a_part_is_done(count: int) -> None:
        floor.until(lambda: len(entries(tmp_path / "lost")) >= len(KEYS) + count)

    floor.submit(job(little, tmp_path / "out"))
    floor.until(lambda: bool(workers_of(nodes.pid)) and bool(floor.at_work("part")))
    os.kill(workers_of(nodes.pid)[0], signal.SIGKILL)
    a_part_is_done(1)
    there = entries(tmp_path / "lost")
    os.kill(drivers()[-1], signal.SIGKILL)
    a_part_is_done(2)
    there |= entries(tmp_path / "lost")
    nodes.remove()
    manifest = floor.manifest("job-1")
    assert len(drivers()) == 2
    assert [s.sha256 for s in manifest.strips] == [s.sha256 for s in alone.strips]
    assert manifest.fades == alone.fades
    assert entries(tmp_path / "lost").items() >= there.items(), "something finished was made again"


def test_no_cluster_at_the_address(floors: Floors, little: Little, tmp_path: Path) -> None:
    floor = floors("none", "127.0.0.2:9", "auto")
    floor.submit(job(little, tmp_path / "out"))
    assert floor.over("job-1") == "failed"
    error = floor.engine.records["job-1"].error
    assert error is not None and error["code"] == "ray-unreachable"
