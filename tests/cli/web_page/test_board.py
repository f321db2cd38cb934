"""What the page's board learns of the engine, with a client that answers by hand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from restrip.cli.web_page import board as board_module
from restrip.cli.web_page.board import Board
from restrip.client.client import EngineUnreachable
from restrip.client.status import Event, JobStatus
from restrip.errors import RemoteError


class Client:
    """An engine with one job that runs and one that is done."""

    def __init__(self) -> None:
        self.gone = False
        self.topics: set[str] = set()
        self.cancelled: list[str] = []
        self.events_left = [Event("job.running", "progress", "e", {"seq": 5, "frame": 12}, b"jpeg")]

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *ended: object) -> None:
        pass

    def jobs(self, project: str, limit: int) -> list[JobStatus]:
        if self.gone:
            raise EngineUnreachable("The engine has ended.", "Start it.")
        state = "cancelled" if self.cancelled else "running"
        return [JobStatus("running", state=state, name="a"), JobStatus("done", state="done", name="b")]

    def subscribe(self, job_id: str) -> None:
        self.topics.add(job_id)

    def unsubscribe(self, job_id: str) -> None:
        self.topics.discard(job_id)

    def events(self, timeout_s: float) -> Iterator[Event]:
        while self.events_left:
            yield self.events_left.pop()

    def manifest(self, job_id: str) -> Any:
        keys = [SimpleNamespace(key=SimpleNamespace(frame=7), picture="/results/key.png")]
        return SimpleNamespace(preview="/results/preview.mp4", sheet="", keys=keys)

    def cancel(self, job_id: str) -> None:
        if job_id == "done":
            raise RemoteError({"code": "ended", "message": "It has ended.", "remedy": ""})
        self.cancelled.append(job_id)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it didn't come"
        time.sleep(0.01)


def test_jobs_pictures_cancel_and_an_engine_that_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    starts: list[bool] = []
    monkeypatch.setattr(board_module, "AGAIN_S", 0.05)
    monkeypatch.setattr(board_module, "connect", lambda name, start: starts.append(start) or client)
    board = Board()
    board.start()
    try:
        until(lambda: board.picture("running", "newest") is not None)
        newest = board.picture("running", "newest")
        assert newest is not None and (newest.content, newest.label, newest.version) == (b"jpeg", "key at frame 12", 5)
        key, preview = board.picture("done", "key-0"), board.picture("done", "preview")
        assert key is not None and key.file == Path("/results/key.png") and key.label == "key at frame 7"
        assert preview is not None and preview.kind == "video/mp4" and board.picture("done", "sheet") is None
        shown = {job["id"]: [p["name"] for p in job["pictures"]] for job in board.to_json()["jobs"]}
        assert shown == {"running": ["newest"], "done": ["preview", "key-0"]}
        with pytest.raises(RemoteError, match="It has ended"):
            board.cancel("done")
        with pytest.raises(KeyError):
            board.cancel("somebody-elses")
        assert client.topics == {"running"}
        board.cancel("running")
        until(lambda: board.to_json()["jobs"][0]["state"] == "cancelled" and not client.topics)
        client.gone = True
        until(lambda: bool(board.to_json()["trouble"]))
        assert board.to_json()["trouble"] == "The engine has ended. Start it."
        assert len(board.to_json()["jobs"]) == 2, "what was known stays in sight"
        client.gone = False
        until(lambda: not board.to_json()["trouble"])
        assert set(starts) == {False}, "a page that was left open starts no engine"
    finally:
        board.close()
