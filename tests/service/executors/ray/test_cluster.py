"""The engine's end of a Ray cluster, with a driver that says what the test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from restrip.service.executors.ray import cluster as cluster_module
from restrip.service.executors.ray.cluster import RayExecutor, RaySettings
from restrip.service.limits import Limits

CLUSTER = {"t": "cluster", "machines": 2, "cpus": 4, "gpus": 1, "model": 1, "part": 3}


class Driver:
    """Keeps what it was told."""

    def __init__(self, worker_id: str, argv: Sequence[str]) -> None:
        self.worker_id, self.argv = worker_id, argv
        self.sent: list[Mapping[str, Any]] = []
        self.killed = False

    def send(self, message: Mapping[str, Any]) -> None:
        self.sent.append(message)

    def leave(self) -> None:
        raise AssertionError("a driver is never sent home")

    def terminate(self) -> None:
        self.killed = True

    def kill(self) -> None:
        self.killed = True


class House:
    """An executor and its drivers."""

    def __init__(self, root: Path, **limits: float) -> None:
        self.drivers: list[Driver] = []
        bounds = Limits(**limits)  # type: ignore[arg-type]
        self.executor = RayExecutor(self._start, root, bounds, RaySettings("head:1", "no", 9))
        self.executor.places()

    def _start(self, worker_id: str, environment: Any = None, argv: Sequence[str] = ()) -> Driver:
        self.drivers.append(Driver(worker_id, argv))
        return self.drivers[-1]

    def says(self, message: Mapping[str, Any] | None) -> list[Any]:
        return list(self.executor.heard(self.drivers[-1].worker_id, message))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_there_is_no_place_before_the_cluster_answers(house: House, tmp_path: Path) -> None:
    assert list(house.executor.places()) == [] and len(house.drivers) == 1
    argv = list(house.drivers[0].argv)
    assert argv[argv.index("--address") + 1] == "head:1" and argv[argv.index("--window") + 1] == "9"
    assert (tmp_path / "node-token").stat().st_mode & 0o077 == 0
    assert house.executor.facts()["state"] == "connecting"


def test_places_are_what_the_cluster_has_room_for(house: House) -> None:
    assert house.says(CLUSTER) == []
    kinds = [(place.name, sorted(place.kinds)[0]) for place in house.executor.places()]
    assert [name for name, _ in kinds] == [
        "ray-here-1", "ray-here-2", "ray-model-1", "ray-part-1", "ray-part-2", "ray-part-3",
    ]  # fmt: skip
    assert house.executor.machines and house.executor.facts()["state"] == "connected"


def test_what_a_worker_is_told_goes_to_the_driver_under_its_name(house: House) -> None:
    house.says(CLUSTER)
    worker = house.executor.start(house.executor.places()[3], "w-1")
    worker.send({"t": "task", "id": "t1"})
    worker.send({"t": "cancel", "id": "t1"})
    worker.leave()
    assert house.drivers[0].sent == [
        {"t": "task", "id": "t1", "to": "w-1"},
        {"t": "stop", "id": "t1", "to": "w-1"},
        {"t": "leave", "to": "w-1"},
    ]
    assert house.says({"from": "w-1", "t": "result", "id": "t1"}) == [
        ("w-1", {"from": "w-1", "t": "result", "id": "t1"})
    ]
    assert house.says({"from": "w-1", "t": "gone"}) == [("w-1", None)]
    # Those that the engine has here speak for themselves.
    assert list(house.executor.heard("light-1", {"t": "ready"})) == [("light-1", {"t": "ready"})]


def test_when_the_driver_ends_all_its_workers_do_and_another_is_started(house: House) -> None:
    house.says(CLUSTER)
    house.executor.start(house.executor.places()[3], "w-1").send({"t": "task", "id": "t1"})
    assert house.says(None) == [("w-1", {"t": "crash", "id": "t1", "what": "lost"}), ("w-1", None)]
    assert list(house.executor.places()) == [] and len(house.drivers) == 2
    assert house.executor.trouble() is None


def test_one_that_keeps_ending_is_trouble(tmp_path: Path) -> None:
    house = House(tmp_path, restarts=2)
    for _ in range(3):
        house.executor.places()
        house.says(CLUSTER)
        house.says(None)
    trouble = house.executor.trouble()
    assert trouble is not None and trouble["code"] == "ray-driver-died"
    assert house.executor.trouble() is None, "it is said once"


def test_no_cluster_is_trouble_and_one_that_is_lost_is_looked_for(house: House) -> None:
    fatal = {"t": "fatal", "error": {"code": "ray-unreachable", "message": "m", "remedy": "r"}}
    house.says(fatal)
    house.says(None)
    assert house.executor.facts()["state"] == "not connected"
    trouble = house.executor.trouble()
    assert trouble is not None and trouble["code"] == "ray-unreachable"
    house.executor.places()
    house.says(CLUSTER)
    house.says(fatal)
    house.says(None)
    assert house.executor.trouble() is None


def test_a_driver_that_doesnt_obey_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.says(CLUSTER)
    worker = house.executor.start(house.executor.places()[3], "w-1")
    worker.terminate()
    worker.kill()
    assert not house.drivers[0].killed
    monkeypatch.setattr(cluster_module, "PATIENCE_S", -1.0)
    worker.kill()
    assert house.drivers[0].killed


def test_when_the_engine_ends_no_other_driver_is_started(house: House) -> None:
    house.executor.close()
    house.says(None)
    house.executor.places()
    assert len(house.drivers) == 1 and house.drivers[0].killed
