"""One worker a GPU, on one machine."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from restrip.service.executors.local import LocalExecutor, local_places
from restrip.service.limits import Limits
from restrip.service.workers.process import Worker
from restrip.service.workers.spec import WorkerSpec


def start(worker_id: str, environment: Mapping[str, str] | None = None) -> Worker:
    raise AssertionError("nothing is started before there is a task")


def test_each_gpu_has_a_place_whose_worker_sees_it_alone() -> None:
    places = local_places(2, ["GPU-aa", "GPU-bb"], {})
    assert [place.name for place in places] == ["render", "render-2"]
    assert [dict(place.environment)["CUDA_VISIBLE_DEVICES"] for place in places] == ["GPU-aa", "GPU-bb"]


def test_more_workers_than_gpus_share_them() -> None:
    seen = [dict(place.environment)["CUDA_VISIBLE_DEVICES"] for place in local_places(3, ["0", "1"], {})]
    assert seen == ["0", "1", "0"]


def test_one_worker_keeps_the_engines_environment() -> None:
    assert local_places(1, [], {}) == (WorkerSpec("render"),)


def test_several_share_the_cores_unless_the_user_said_otherwise() -> None:
    environment = dict(local_places(2, [], {"OMP_NUM_THREADS": "7"})[1].environment)
    assert "OMP_NUM_THREADS" not in environment
    assert int(environment["NUMBA_NUM_THREADS"]) >= 1


def test_there_is_one_place_until_the_gpus_are_known() -> None:
    asked, answered = threading.Event(), threading.Event()

    def find() -> list[str]:
        asked.set()
        assert answered.wait(60)
        return ["GPU-a", "GPU-b", "GPU-c"]

    executor = LocalExecutor(start, find=find)
    assert asked.wait(60)
    assert executor.places() == (WorkerSpec("render"),)
    answered.set()
    for thread in threading.enumerate():
        if thread.name == "find gpus":
            thread.join(60)
    assert [place.name for place in executor.places()] == ["render", "render-2", "render-3"]
    assert executor.facts() == {"name": "local", "places": 3}


def test_the_number_of_workers_can_be_set() -> None:
    assert len(LocalExecutor(start, 5, find=lambda: ["GPU-a"]).places()) == 5
    assert Limits.from_environment({"RESTRIP_WORKERS": "2", "RESTRIP_RESTARTS": "3"}) == Limits(workers=2, restarts=3)
    assert Limits.from_environment({"RESTRIP_WORKERS": "many"}).workers == 0
