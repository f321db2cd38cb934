"""What tests of the engine share: real engines that end with their test, and the little clip of the jobs' tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "jobs")]

from engine_bench import end_engine  # noqa: E402
from job_bench import little  # noqa: E402
from tower import tower  # noqa: E402

from restrip.client.client import Client, connect  # noqa: E402

__all__ = ["little", "tower"]


@pytest.fixture
def engine() -> Iterator[None]:
    """Whatever engine is started in the test ends with it."""
    yield
    end_engine()


@pytest.fixture
def client(engine: None) -> Iterator[Client]:
    """A client of a fresh engine."""
    with connect("test", project="p") as made:
        yield made
