"""Which machine does what, on a cluster that does what the test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from restrip.service.executors.ray import cluster_scheduler as scheduler_module
from restrip.service.executors.ray.cluster_api import Lost, Machine, ResourceRequest
from restrip.service.executors.ray.cluster_scheduler import ClusterScheduler, Options
from restrip.service.executors.ray.node import NodeResult, NodeTask

A, B = "a" * 12, "b" * 12


@dataclass
class Scripted:
    """A cluster whose tasks come back when the test says so."""

    there: list[Machine]
    begun: list[tuple[NodeTask, ResourceRequest, Any]] = field(default_factory=list)
    hired: list[ResourceRequest] = field(default_factory=list)
    dismissed: list[Any] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    ended: list[Any] = field(default_factory=list)
    over: list[tuple[Any, NodeResult | Lost]] = field(default_factory=list)
    said: list[Mapping[str, Any]] = field(default_factory=list)

    def machines(self) -> Sequence[Machine]:
        return self.there

    def put(self, chunk: bytes) -> Any:
        return chunk

    def hire(self, request: ResourceRequest) -> Any:
        self.hired.append(request)
        return f"actor {len(self.hired)}"

    def dismiss(self, actor: Any) -> None:
        self.dismissed.append(actor)

    def begin(self, task: NodeTask, request: ResourceRequest, actor: Any = None) -> Any:
        self.begun.append((task, request, actor))
        return len(self.begun)

    def cancel(self, task_id: str) -> None:
        self.cancelled.append(task_id)

    def end(self, ticket: Any, actor: Any = None) -> None:
        self.ended.append(ticket)

    def told(self) -> Sequence[Mapping[str, Any]]:
        said, self.said = self.said, []
        return said

    def back(self) -> Sequence[tuple[Any, NodeResult | Lost]]:
        over, self.over = self.over, []
        return over


@dataclass
class Yard:
    """A scheduler over a scripted cluster; `heard` is what the engine gets."""

    cluster: Scripted
    options: Options
    heard: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheduler = ClusterScheduler(self.cluster, self.heard.append, self.options)
        self.scheduler.turn()

    def task(self, name: str, kind: str, job: str = "/j", **more: Any) -> None:
        message = {"to": f"w-{name}", "t": "task", "id": name, "kind": kind, "job": job, "body": {}, **more}
        self.scheduler.take(message)
        self.scheduler.turn()

    def keys(self, name: str, model: str = "sd:x", job: str = "/j", mib: int = 8000, **more: Any) -> None:
        self.task(name, "keys", job, model=model, needs={"gpu": True, "model_mib": mib}, **more)

    def started(self, name: str, node: str) -> None:
        self.cluster.said.append({"t": "started", "id": name, "node": node, "machine": f"host ({node[:8]})"})
        self.scheduler.turn()

    def back(self, ticket: int, came: NodeResult | Lost | None = None) -> None:
        self.cluster.over.append((ticket, came or NodeResult(result={"rendered": 1})))
        self.scheduler.turn()

    def actors(self) -> list[Any]:
        return [actor for _, _, actor in self.cluster.begun]

    def to(self, name: str) -> list[Mapping[str, Any]]:
        return [message for message in self.heard if message.get("from") == f"w-{name}"]


def yard(tmp_path: Path, *machines: Machine, **options: Any) -> Yard:
    return Yard(Scripted(list(machines)), Options(tmp_path, **{"shared": "yes", **options}))


@pytest.fixture
def two_gpus(tmp_path: Path) -> Yard:
    return yard(tmp_path, *(Machine(node, 16, 1, 64_000, 80_000) for node in (A, B)))


def test_it_says_how_much_may_be_in_flight(two_gpus: Yard) -> None:
    assert two_gpus.heard == [{"t": "cluster", "machines": 2, "cpus": 32, "gpus": 2, "model": 2, "part": 34}]


def test_the_window_is_the_users(tmp_path: Path) -> None:
    assert yard(tmp_path, Machine(A, 64), window=5).heard[0]["part"] == 5


def test_a_cluster_that_grows_is_told(two_gpus: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    two_gpus.cluster.there.append(Machine("c" * 12, 16, 1))
    monkeypatch.setattr(scheduler_module, "LOOK_S", 0.0)
    two_gpus.scheduler.turn()
    assert two_gpus.heard[-1]["machines"] == 3


def test_a_gpu_has_one_process_that_keeps_its_model(two_gpus: Yard) -> None:
    for n in range(3):
        two_gpus.keys(f"k{n}", mib=79_000)
    assert two_gpus.actors() == ["actor 1", "actor 2"]
    assert [request.share for request in two_gpus.cluster.hired] == [1.0, 1.0]
    two_gpus.back(2)
    assert two_gpus.actors() == ["actor 1", "actor 2", "actor 2"]
    assert not two_gpus.cluster.dismissed


def test_small_looks_share_a_gpu(two_gpus: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    # 18,000 of 80,000 MiB: two eighths, so that four go on each.
    for n in range(9):
        two_gpus.keys(f"k{n}", mib=18_000)
    assert {request.share for request in two_gpus.cluster.hired} == {0.25}
    assert len(two_gpus.cluster.hired) == 8
    monkeypatch.setattr(scheduler_module, "LOOK_S", 0.0)
    two_gpus.scheduler.turn()
    assert two_gpus.heard[-1]["model"] == 8


def test_a_look_whose_memory_isnt_known_gets_a_whole_gpu(two_gpus: Yard) -> None:
    two_gpus.task("s", "seeds", model="sd:x", needs={"gpu": True})
    assert two_gpus.cluster.hired == [ResourceRequest(share=1.0)]


def test_a_job_goes_back_to_the_process_that_knows_it(two_gpus: Yard) -> None:
    two_gpus.keys("k1", job="/one")
    two_gpus.keys("k2", job="/two", mib=80_000)
    two_gpus.back(1)
    two_gpus.back(2)
    two_gpus.keys("k3", job="/two")
    two_gpus.keys("k4", job="/one")
    assert two_gpus.actors() == ["actor 1", "actor 2", "actor 2", "actor 1"]


def test_another_model_takes_the_place_of_an_idle_one(two_gpus: Yard) -> None:
    for n, model in enumerate(("sd:x", "sd:y"), 1):
        two_gpus.keys(f"k{n}", model, mib=80_000)
        two_gpus.back(n)
    two_gpus.keys("k3", "sd:z", mib=80_000)
    assert len(two_gpus.cluster.hired) == 2 and len(two_gpus.cluster.begun) == 3


def test_looks_of_the_processor_take_no_gpu(two_gpus: Yard) -> None:
    two_gpus.task("k", "keys", model="neural:1", needs={"gpu": False})
    assert two_gpus.cluster.hired == [ResourceRequest()]


def test_segments_leave_gpus_to_the_models(two_gpus: Yard) -> None:
    two_gpus.task("p", "part", body={"part": 3})
    two_gpus.task("f", "finish")
    tasks = {task.message["kind"]: task.message["body"] for task, _, _ in two_gpus.cluster.begun}
    assert tasks == {"part": {"part": 3, "gpu": False}, "finish": {}}


def test_without_gpus_memory_is_asked_for(tmp_path: Path) -> None:
    place = yard(tmp_path, Machine(A, 8, 0, 32_000))
    place.keys("k", mib=8_000)
    place.task("p", "part", needs={"part_mib": 500})
    place.task("q", "part", needs={"part_mib": 99_000})
    assert place.cluster.hired == [ResourceRequest(memory_mib=8_000)]
    # More than any machine has would wait for ever.
    assert [request.memory_mib for _, request, actor in place.cluster.begun if actor is None] == [500, 32_000]


def test_writing_stays_on_the_engines_machine(two_gpus: Yard) -> None:
    two_gpus.task("f", "finish")
    task, request, _ = two_gpus.cluster.begun[0]
    assert request.here and task.mode == "here"
    two_gpus.started("f", A)
    two_gpus.back(1, NodeResult(error={"code": "x", "message": "m"}))
    # No machine is named: it is no use to try it on another.
    assert not any("machine" in message for message in two_gpus.to("f"))


def test_the_machine_that_failed_is_avoided(two_gpus: Yard) -> None:
    two_gpus.task("p1", "part")
    two_gpus.started("p1", A)
    two_gpus.back(1, Lost("the node died"))
    assert two_gpus.to("p1")[-2:] == [
        {"from": "w-p1", "t": "crash", "id": "p1", "what": "the node died"},
        {"from": "w-p1", "t": "gone"},
    ]
    two_gpus.task("p2", "part", avoid=["host (aaaaaaaa)"])
    assert two_gpus.cluster.begun[-1][1].avoid == {A}


def test_unless_there_is_no_other(tmp_path: Path) -> None:
    place = yard(tmp_path, Machine(A, 2))
    place.task("p1", "part")
    place.started("p1", A)
    place.task("p2", "part", avoid=["host (aaaaaaaa)"])
    assert place.cluster.begun[-1][1].avoid == frozenset()


def test_a_process_that_is_lost_is_not_given_work_again(two_gpus: Yard) -> None:
    two_gpus.keys("k1", mib=80_000)
    two_gpus.back(1, Lost("out of memory"))
    assert two_gpus.cluster.dismissed == ["actor 1"]
    two_gpus.keys("k2", mib=80_000)
    assert two_gpus.actors() == ["actor 1", "actor 2"]


def test_a_task_that_waits_is_cancelled_or_ended_at_once(two_gpus: Yard) -> None:
    for n in range(4):
        two_gpus.keys(f"k{n}", mib=80_000)
    two_gpus.scheduler.take({"to": "w-k2", "t": "stop", "id": "k2"})
    assert two_gpus.to("k2")[-1]["error"]["code"] == "cancelled"
    two_gpus.scheduler.take({"to": "w-k3", "t": "end"})
    assert two_gpus.to("k3")[-1]["t"] == "gone"
    two_gpus.scheduler.take({"to": "w-k0", "t": "stop", "id": "k0"})
    two_gpus.scheduler.take({"to": "w-k1", "t": "end"})
    assert (two_gpus.cluster.cancelled, two_gpus.cluster.ended) == (["k0"], [2])


def test_models_that_nobody_asks_for_leave(two_gpus: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    two_gpus.keys("k1")
    two_gpus.back(1)
    assert not two_gpus.cluster.dismissed
    two_gpus.scheduler.take({"to": "w-other", "t": "leave"})
    assert two_gpus.cluster.dismissed == ["actor 1"]
    assert two_gpus.to("other") == [{"from": "w-other", "t": "gone"}]


def test_what_waits_for_the_cluster_shows_life(two_gpus: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "BEAT_S", 0.0)
    two_gpus.task("p", "part")
    before = len(two_gpus.to("p"))
    two_gpus.scheduler.turn()
    assert len(two_gpus.to("p")) == before + 1
    two_gpus.started("p", A)
    after = len(two_gpus.to("p"))
    two_gpus.scheduler.turn()
    assert len(two_gpus.to("p")) == after


def test_a_job_whose_papers_are_gone_fails(tmp_path: Path) -> None:
    place = yard(tmp_path, Machine(A, 2), shared="auto")
    place.task("p", "part", job=str(tmp_path / "nowhere"))
    assert place.to("p")[-1]["error"]["code"] == "job-lost"
    assert not place.cluster.begun
