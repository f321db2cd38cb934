"""What code raises that nobody named: it costs the task, and says of which kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from restrip.errors import RestripError
from restrip.jobs import tasks
from restrip.jobs.faults import ends_process
from restrip.jobs.tasks import Workshop, run_task


class OddFault(Exception):
    """A library's own, of no kind that is known."""


class Panic(BaseException):
    """What extensions in Rust raise."""


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


def raised(monkeypatch: pytest.MonkeyPatch, shop: Workshop, error: BaseException) -> Any:
    def fail(task: Any) -> Any:
        raise error

    module = type("module", (), {"look": staticmethod(fail)})
    monkeypatch.setattr(tasks, "import_module", lambda name: module)
    monkeypatch.setitem(tasks._TASKS, "odd", ("odd", "look"))
    message = {"kind": "odd", "job": "", "state_dir": str(Path()), "body": {}}
    with pytest.raises(BaseException) as caught:
        run_task(shop, message, lambda *args, **more: None)
    return caught.value


@pytest.mark.parametrize(
    ("error", "code", "cause"),
    [
        (OverflowError("cannot convert float infinity to integer"), "task-fault", "exception"),
        (KeyError("frames"), "task-fault", "exception"),
        (OddFault("?"), "task-fault", "exception"),
        (Panic("index out of bounds"), "task-fault", "exception"),
        (SystemExit(3), "task-fault", "exception"),
        (RecursionError(), "task-fault", "exception"),
        (MemoryError("Unable to allocate 40 GiB"), "out-of-memory", "memory"),
        (OutOfMemoryError("CUDA out of memory"), "out-of-memory", "memory"),
        (ImportError("libcudart.so.12: cannot open shared object file"), "code-missing", "import"),
        (ModuleNotFoundError("gone", name="restrip.jobs.parts"), "code-missing", "import"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_any_exception_is_named_and_leaves_nothing_half_made(
    error: BaseException, code: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Workshop("sd:x", True, {"look": object()})
    found = raised(monkeypatch, shop, error)
    assert isinstance(found, RestripError) and (found.code, found.detail["cause"]) == (code, cause)
    assert "odd" in found.message and found.remedy and found.__cause__ is error
    if not isinstance(error, ImportError):
        assert (shop.loaded, shop.warm, shop.kept) == ("", False, {})


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: device-side assert triggered"), KeyboardInterrupt()])
def test_a_process_whose_device_is_lost_has_to_end(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    assert raised(monkeypatch, Workshop(), error) is error and ends_process(error)


def test_a_named_error_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    named = RestripError("It is odd.")
    assert raised(monkeypatch, Workshop(), named) is named
