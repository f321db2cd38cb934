"""What tests of the engine share: fake workers, and real engines that end with their test."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from restrip.link import discovery
from restrip.link.client import Client, connect

sys.path.insert(0, str(Path(__file__).parent))


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something that comes soon; the limit is generous, for a machine with other work."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it didn't come"
        time.sleep(0.01)


def end_engine() -> None:
    """End the engine of this test's state folder, whatever state it is in."""
    connection = discovery.read_connection()
    if connection is None or not discovery.alive(connection.pid):
        return
    os.kill(connection.pid, signal.SIGTERM)
    with contextlib.suppress(AssertionError):
        until(lambda: not discovery.alive(connection.pid), 10)
    if discovery.alive(connection.pid):
        os.kill(connection.pid, signal.SIGKILL)


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
