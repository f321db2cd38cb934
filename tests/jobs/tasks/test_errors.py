"""What code raises that nobody named: it costs the task, and says of which kind it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from restrip.errors import RestripError
from restrip.jobs.tasks import registry
from restrip.jobs.tasks.errors import ends_process
from restrip.jobs.tasks.registry import WorkerMemory, run_task
from restrip.looks.keys_from_files import PaintedLook


class OddFault(Exception):
    """A library's own, of no kind that is known."""


class Panic(BaseException):
    """What extensions in Rust raise."""


class OutOfMemoryError(RuntimeError):
    """As torch has it."""


def raised(monkeypatch: pytest.MonkeyPatch, shop: WorkerMemory, error: BaseException) -> Any:
    def fail(task: Any) -> Any:
        raise error

    module = type("module", (), {"look": staticmethod(fail)})
    monkeypatch.setattr(registry, "import_module", lambda name: module)
    message = {"kind": "odd", "job": "", "state_dir": str(Path()), "body": {}}
    with pytest.raises(BaseException) as caught:
        run_task(shop, message, lambda *args, **more: None, {"odd": ("odd", "look")})
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
        (ModuleNotFoundError("gone", name="restrip.jobs.tasks.segments"), "code-missing", "import"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_any_exception_is_named_and_leaves_nothing_half_made(
    error: BaseException, code: str, cause: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = WorkerMemory("sd:x", True, PaintedLook("keys:/k", "/k", {}), "key")
    found = raised(monkeypatch, shop, error)
    assert isinstance(found, RestripError) and (found.code, found.detail["cause"]) == (code, cause)
    assert "odd" in found.message and found.remedy and found.__cause__ is error
    if not isinstance(error, ImportError):
        assert shop == WorkerMemory()


@pytest.mark.parametrize("error", [RuntimeError("CUDA error: device-side assert triggered"), KeyboardInterrupt()])
def test_a_process_whose_device_is_lost_has_to_end(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    assert raised(monkeypatch, WorkerMemory(), error) is error and ends_process(error)


def test_a_named_error_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    named = RestripError("It is odd.")
    assert raised(monkeypatch, WorkerMemory(), named) is named


def test_a_library_of_the_systems_that_cant_be_loaded_is_code_that_cant(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torch says it when its build doesn't fit the machine: ctypes gives no number and no file."""
    import ctypes

    with pytest.raises(OSError) as loading:
        ctypes.CDLL("libtorch_that_is_not_here.so")
    error = raised(monkeypatch, WorkerMemory(), loading.value)
    assert error.code == "code-missing" and "libtorch_that_is_not_here" in error.message
    assert raised(monkeypatch, WorkerMemory(), PermissionError(13, "Permission denied", "/x")).code != "code-missing"


def test_kernels_that_can_be_kept_nowhere_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """numba itself says it, with a file where each of its folders would be."""
    (tmp_path / "taken").touch()
    (tmp_path / "__pycache__").touch()
    (tmp_path / "kernel.py").write_text("from numba import njit\n@njit(cache=True)\ndef twice(n):\n    return 2 * n\n")
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "taken" / "inside"))
    done = subprocess.run(
        [sys.executable, "-c", "import kernel"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("RuntimeError: "), done.stderr
    error = raised(monkeypatch, WorkerMemory(), RuntimeError(said.removeprefix("RuntimeError: ")))
    assert error.code == "kernel-cache" and "NUMBA_CACHE_DIR" in error.remedy
