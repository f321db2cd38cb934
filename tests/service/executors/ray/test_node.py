"""A task on a machine of a cluster, as far as it goes without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from restrip.errors import Cancelled
from restrip.jobs.tasks.registry import WorkerMemory
from restrip.service.executors.ray import node
from restrip.service.executors.ray.node import NodeReporter, NodeTask, do, node_folder

NODE = "abc" * 10


def order(kind: str, tmp_path: Path, **body: Any) -> NodeTask:
    message = {"t": "task", "id": "t1", "kind": kind, "job": "", "state_dir": str(tmp_path), "body": body}
    return NodeTask(message, "yes", ("", ""))


def done(asked: NodeTask) -> node.NodeResult:
    return do(WorkerMemory(), asked, NODE, lambda message: False, lambda chunk: bytes(chunk))


def test_a_machine_with_another_version_says_both(tmp_path: Path) -> None:
    error = done(replace(order("looks", tmp_path), version="0.0.7")).error
    assert error is not None and error["code"] == "node-differs" and "0.0.7" in error["message"]


def test_a_named_error_comes_back_with_its_name(tmp_path: Path) -> None:
    error = done(order("probe", tmp_path, paths=["/no/such.mp4"])).error
    assert error is not None and error["bad_input"]


def test_a_mistake_in_the_code_comes_back_by_its_name(tmp_path: Path) -> None:
    error = done(order("probe", tmp_path)).error
    assert error is not None and error["code"] == "task-fault" and "KeyError" in error["message"]


class Clock:
    """A time that a test moves."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_it_reports_twice_a_second_and_stops_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, said, stop = Clock(), list[Mapping[str, Any]](), [False]
    monkeypatch.setattr(node, "time", clock)

    def tell(message: Mapping[str, Any]) -> bool:
        said.append(message)
        return stop[0]

    report = NodeReporter(tell, "t1")
    for n in range(100):
        clock.now += 0.01
        report("motion", n, 100)
    assert [message["done"] for message in said] == [0, 50]
    report("writing", 0, 1)
    report("writing", 0, 1, preview="x")
    assert len(said) == 4
    stop[0] = True
    clock.now += 1
    with pytest.raises(Cancelled):
        report("writing", 1, 1)


def test_folders_of_nodes_of_the_past_go_after_a_week(monkeypatch: pytest.MonkeyPatch) -> None:
    old = node_folder("old" * 10)
    assert node_folder("old" * 10) == old and old.stat().st_mode & 0o077 == 0
    assert node_folder("young" * 5) and old.is_dir()
    monkeypatch.setattr(node, "FORGET_S", -1.0)
    assert node_folder(NODE).is_dir() and not old.exists()
