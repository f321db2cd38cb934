"""The worker's own side: what it says of a task that is over, however that went."""

from __future__ import annotations

import json
import math
import os
import queue
from pathlib import Path
from typing import Any

import pytest

from restrip.errors import Cancelled, RestripError
from restrip.jobs import tasks
from restrip.service import worker
from restrip.service.reports import check_report, read_line


class Lines:
    """A pipe of the test's: the tasks that are given, and what was said."""

    def __init__(self, *given: dict[str, Any]) -> None:
        self.tasks: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        for task in given:
            self.tasks.put(task)
        self.said: list[dict[str, Any]] = []

    def send(self, message: dict[str, Any]) -> None:
        line = json.dumps(message, allow_nan=False).encode()
        check_report(read_line(line))
        self.said.append(json.loads(line))

    def cancelled(self, task_id: str) -> bool:
        return task_id == "cancelled"


def outcome(monkeypatch: pytest.MonkeyPatch, does: Any, task_id: str = "t1") -> list[dict[str, Any]]:
    """What a worker says of one task that `does` something; the next one ends the test."""

    class Over(Exception):
        pass

    def run_task(shop: Any, task: dict[str, Any], report: Any) -> Any:
        if task["id"] == "last":
            raise Over
        return does(report)

    monkeypatch.setattr(tasks, "run_task", run_task)
    pipe = Lines({"id": task_id}, {"id": "last"})
    try:
        worker.work(pipe)  # type: ignore[arg-type]
    except Over:
        pipe.said.pop()
    except (TypeError, ValueError, ZeroDivisionError):
        pass  # As it should: the worker ends.
    return pipe.said


def fail(error: BaseException) -> Any:
    raise error


class Odd(RestripError):
    code = "odd"


def test_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.Workshop, "facts", lambda self: {"gpu": None})
    ready, said = outcome(monkeypatch, lambda report: {"rendered": 1})
    assert ready == {"t": "ready", "pid": os.getpid()}
    assert said == {"t": "result", "id": "t1", "result": {"rendered": 1}, "facts": {"gpu": None}, "loaded": ""}


def test_a_named_error_and_a_cancel_leave_it_working(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, lambda report: fail(Odd("It is odd.")))[-1]["error"]["code"] == "odd"
    said = outcome(monkeypatch, lambda report: report("keys", 0, 1), "cancelled")[-1]
    assert (said["t"], said["error"]["code"]) == ("error", Cancelled.code)


@pytest.mark.parametrize(
    "does",
    [
        lambda report: fail(ZeroDivisionError("division by zero")),
        lambda report: {"rendered": Path("x")},
        lambda report: {"rendered": math.nan},
        lambda report: {"rendered": {1, 2}},
        lambda report: fail(Odd("It is odd.", path=Path("x"))),
        lambda report: report("keys", {1}, 2),
    ],
    ids=["fault", "path", "nan", "set", "error", "progress"],
)
def test_a_fault_is_told_before_it_ends(monkeypatch: pytest.MonkeyPatch, does: Any) -> None:
    said = outcome(monkeypatch, does)
    assert said[-1]["t"] == "crash" and said[-1]["id"] == "t1"
    assert said[-1]["what"].partition(":")[0] in ("ZeroDivisionError", "TypeError", "ValueError")
