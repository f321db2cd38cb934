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
from restrip.jobs.tasks import registry
from restrip.service.workers import worker
from restrip.service.workers.messages import check_report, read_line


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

    def run_task(shop: Any, task: dict[str, Any], report: Any, tasks: Any) -> Any:
        if task["id"] == "last":
            raise Over
        return does(report)

    monkeypatch.setattr(registry, "run_task", run_task)
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
    monkeypatch.setattr(registry.WorkerMemory, "facts", lambda self: {"gpu": None})
    ready, said = outcome(monkeypatch, lambda report: {"rendered": 1})
    assert ready == {"t": "ready", "pid": os.getpid()}
    assert said == {"t": "result", "id": "t1", "result": {"rendered": 1}, "facts": {"gpu": None}, "loaded": ""}


def test_a_named_error_and_a_cancel_leave_it_working(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, lambda report: fail(Odd("It is odd.")))[-1]["error"]["code"] == "odd"
    said = outcome(monkeypatch, lambda report: report("keys", 0, 1), "cancelled")[-1]
    assert (said["t"], said["error"]["code"]) == ("error", Cancelled.code)


@pytest.mark.parametrize(
    "result",
    [{"rendered": Path("x")}, {"rendered": math.nan}, {"rendered": {1, 2}}, Odd("It is odd.", path=Path("x"))],
    ids=["path", "nan", "set", "error"],
)
def test_what_cant_be_said_is_the_tasks_failure_and_it_goes_on(monkeypatch: pytest.MonkeyPatch, result: Any) -> None:
    said = outcome(monkeypatch, lambda report: fail(result) if isinstance(result, Odd) else result)
    assert (said[-1]["t"], said[-1]["id"], said[-1]["error"]["code"]) == ("error", "t1", "task-fault")


LOST = "CUDA error: an illegal memory access was encountered"


@pytest.mark.parametrize(("error", "cause"), [(RuntimeError(LOST), "exception"), (ImportError("no"), "import")])
def test_one_that_has_to_end_says_why(monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str) -> None:
    with pytest.raises(type(error)):
        outcome(monkeypatch, lambda report: fail(error))
    said: list[Any] = []
    monkeypatch.setattr(Lines, "send", lambda self, message: said.append(message))
    with pytest.raises(type(error)):
        outcome(monkeypatch, lambda report: fail(error))
    assert said[-1] == {"t": "crash", "id": "t1", "what": f"{type(error).__name__}: {error}", "cause": cause}
