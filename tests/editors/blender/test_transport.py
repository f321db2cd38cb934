"""The messenger: a process of its own that talks with the engine, so that Blender never waits. No Blender here."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from restrip.client.client import Client
from restrip.client.job import JobSpec
from restrip.client.status import JobStatus
from restrip.client.unreachable import EngineUnreachable
from restrip.errors import RestripError
from restrip.timeline import ClipRange, Key, Rate

LIMIT_S = 600
"""A machine may be so busy that an engine's first answer, or kernels that are compiled first, take minutes."""


@pytest.fixture
def heard() -> list[JobStatus]:
    """The statuses that came in."""
    return []


@pytest.fixture
def transport(load: Callable[[str], Any], heard: list[JobStatus], _own_state: None) -> Iterator[Any]:
    """Blender's end, for the test's own engine."""
    made = load("engine.transport").Transport("test", lambda: "", heard.append, lambda event: None)
    yield made
    made.stop()


def until(transport: Any, condition: Callable[[], Any]) -> None:
    """What Blender's timer does."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        transport.pump(0.003)
        time.sleep(0.01)


def asked(transport: Any, call: str, **given: Any) -> Any:
    """Ask and wait; the result, or the error. Asked again while the engine is too busy to be heard."""
    end = time.monotonic() + LIMIT_S
    while True:
        came: list[Any] = []
        transport.ask(call, given, came.append, came.append)
        until(transport, lambda came=came: came)
        if not isinstance(came[0], RestripError) or came[0].code != EngineUnreachable.code or time.monotonic() > end:
            return came[0]


def test_messages_larger_than_the_sockets_take_come_whole(load: Callable[[str], Any]) -> None:
    ours, theirs = (load("engine.pipe").Pipe(end) for end in socket.socketpair())
    sent = [{"n": n, "text": "é\n" * 2_000_000} for n in range(2)]
    for message in sent:
        ours.put(message)
    came: list[Any] = []
    while len(came) < 2:
        came += theirs.take()
        ours.take()
    assert came == sent
    theirs.put({"last": 1})
    theirs.close()
    assert ours.take() == [{"last": 1}]
    ours.take()
    assert ours.closed
    ours.put({"nobody": "there"})
    ours.close()


def test_questions_are_answered_and_refusals_keep_their_words(transport: Any, engine: Client) -> None:
    schema = asked(transport, "settings", etag="")
    assert schema["etag"] and schema["settings"] and schema["formats"]
    assert asked(transport, "settings", etag=schema["etag"]) is None
    refused = asked(transport, "manifest", job_id="nobody-knows-it")
    assert isinstance(refused, RestripError)
    assert refused.code == "unknown-job" and refused.message


def test_a_job_is_followed_to_its_end(transport: Any, engine: Client, heard: list[JobStatus], carphone: Path) -> None:
    clip = ClipRange((str(carphone),), Rate.of(25), 6)
    spec = JobSpec("followed-1", clip, (Key(0), Key(5)), "neural:19")
    assert asked(transport, "submit", spec=spec.to_json())["accepted"]
    transport.follow("followed-1")
    until(transport, lambda: any(status.state == "done" for status in heard))
    assert [status.seq for status in heard] == sorted(status.seq for status in heard)
    manifest = asked(transport, "manifest", job_id="followed-1")
    assert [key["frame"] for key in manifest["keys"]] == [0, 5]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_messenger_that_dies_is_replaced(transport: Any, engine: Client, heard: list[JobStatus]) -> None:
    asked(transport, "settings", etag="")
    first = transport._process.pid
    transport.follow("nobody-knows-it")
    until(transport, lambda: heard)
    os.kill(first, signal.SIGSTOP)
    failed: list[Any] = []
    transport.ask("settings", {"etag": ""}, failed.append, failed.append)
    os.kill(first, signal.SIGKILL)
    until(transport, lambda: failed)
    assert failed[0].code == "no-messenger"
    assert asked(transport, "settings", etag="")["etag"]
    assert transport._process.pid != first


def test_it_ends_with_blender_after_what_was_asked(transport: Any, engine: Client, carphone: Path) -> None:
    spec = JobSpec("asked-last", ClipRange((str(carphone),), Rate.of(25), 2), (Key(0),), "neural:19")
    transport.ask("submit", {"spec": spec.to_json()}, lambda _: None, lambda _: None)
    process, pipe = transport._process, transport._pipe
    pipe.close()  # As when Blender ends, however it does.
    assert process.wait(LIMIT_S) == 0
    assert engine.status("asked-last").state != "unknown"


def test_a_python_that_cannot_be_started_is_named(
    transport: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    refused = asked(transport, "settings", etag="")
    assert refused.code == "no-messenger"
    assert str(tmp_path / "gone") in refused.message
