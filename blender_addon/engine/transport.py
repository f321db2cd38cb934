"""Blender's end of the messenger: starts that process when it is needed, asks, and hears without ever waiting."""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import restrip.errors
from restrip.client.key_files.news import KeyNews, news_from_json
from restrip.client.status import Event, JobStatus
from restrip.errors import RemoteError, RestripError

from .pipe import Pipe

OUTSIDE = Path(__file__).parents[1] / "outside.py"
LEAVE_S = 1.0
START_AGAIN_S = 2.0
_NO_WINDOW = 0x08000000

Then = Callable[[Any], None]
Failed = Callable[[RestripError], None]


class NoMessenger(RestripError):
    """The process that talks with the engine can't be started, or ended in the middle."""

    code = "no-messenger"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Blender can't talk with the Restrip engine: {why}.",
            "Try again; if that doesn't help, restart Blender and look at what it prints in a terminal.",
        )


class Transport:
    """Asks the engine through the messenger. Everything is called in the main thread, by `pump`.

    `chosen` gives the user's own choice of an engine, "" to have it found. `on_status` and `on_preview` are called
    for the jobs that are followed, the second with events that bring a picture; `on_watched` for watched keys.
    """

    def __init__(
        self,
        name: str,
        chosen: Callable[[], str],
        on_status: Callable[[JobStatus], None],
        on_preview: Callable[[Event], None],
        on_watched: Callable[[str, KeyNews], None] = lambda name, news: None,
    ) -> None:
        self.name = name
        self._chosen = chosen
        self._on_status, self._on_preview, self._on_watched = on_status, on_preview, on_watched
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Pipe | None = None
        self._open: dict[int, tuple[Then, Failed]] = {}
        self._number = 0
        self._followed: set[str] = set()
        self._watched: dict[str, Mapping[str, Any]] = {}
        self._heard: deque[Callable[[], None]] = deque()
        self._start_from = 0.0

    @property
    def running(self) -> bool:
        """Whether there is a messenger."""
        return self._process is not None and self._process.poll() is None

    def ask(self, call: str, given: Mapping[str, Any], then: Then, failed: Failed) -> None:
        """Have one of the `calls` done; `pump` calls `then` with its result or `failed` with its error."""
        self._number += 1
        self._open[self._number] = then, failed
        self._put({"n": self._number, "call": call, "given": dict(given), "engine": self._chosen()})

    def follow(self, job_id: str) -> None:
        """Have every change of a job told to `on_status`, until nothing more happens to it."""
        self._followed.add(job_id)
        self._put({"follow": job_id})

    def watch(self, name: str, places: Mapping[str, Any] | None) -> None:
        """Have what happens to painted keys told to `on_watched` under this name; None ends that."""
        if places is None:
            self._watched.pop(name, None)
        else:
            self._watched[name] = places
        if places is not None or self.running:
            self._put({"watch": name, "places": places})

    def pump(self, budget_s: float) -> bool:
        """Call back what came in, for about so long; whether anything came in."""
        end = time.perf_counter() + budget_s
        if self._pipe is not None:
            for message in self._pipe.take():
                self._hear(message)
            if self._pipe.closed:
                self._lost()
        elif (self._followed or self._watched) and time.monotonic() >= self._start_from:
            self._start()
        called = False
        while self._heard and (time.perf_counter() < end or not called):
            self._heard.popleft()()
            called = True
        return called

    def stop(self) -> None:
        """Let the messenger go; the engine and its jobs go on."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(LEAVE_S)  # It does what it was asked before it goes.
        self._end()

    def _end(self) -> None:
        """Nothing of the messenger is left."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._pipe = self._process = None

    def _put(self, message: Mapping[str, Any]) -> None:
        if self._pipe is None or not self.running:
            self._start()
        if self._pipe is not None:
            self._pipe.put(message)

    def _start(self) -> None:
        self._end()
        ours, theirs = socket.socketpair()
        try:
            self._process = start_outside(theirs, self.name)
        except OSError as error:
            ours.close()
            self._start_from = time.monotonic() + START_AGAIN_S
            self._fail_all(f"{sys.executable} can't be started ({error.strerror or error})")
            return
        finally:
            theirs.close()
        self._pipe = Pipe(ours)
        for job_id in self._followed:
            self._pipe.put({"follow": job_id})
        for name, places in self._watched.items():
            self._pipe.put({"watch": name, "places": places})

    def _hear(self, message: Mapping[str, Any]) -> None:
        if "n" in message:
            then, failed = self._open.pop(message["n"], (None, None))
            if then is None or failed is None:
                return
            if "error" in message:
                error = RemoteError(message["error"])
                self._heard.append(lambda: failed(error))
            else:
                self._heard.append(lambda: then(message["result"]))
        elif "status" in message:
            status = JobStatus.from_json(message["status"])
            if status.ended:
                self._followed.discard(status.job_id)
            self._heard.append(lambda: self._on_status(status))
        elif "watched" in message:
            name, news = message["watched"], news_from_json(message["news"])
            self._heard.append(lambda: self._on_watched(name, news))
        elif "preview" in message:
            told = message["preview"]
            event = Event(told["topic"], "progress", "", told["body"], base64.b64decode(told["jpeg"]))
            self._heard.append(lambda: self._on_preview(event))

    def _lost(self) -> None:
        """The messenger ended. The next question starts another; so do jobs that are followed, in a moment."""
        self._end()
        self._fail_all("its messenger ended")
        self._start_from = time.monotonic() + START_AGAIN_S

    def _fail_all(self, why: str) -> None:
        error = NoMessenger(why)
        for _, failed in self._open.values():
            self._heard.append(lambda failed=failed: failed(error))
        self._open.clear()


def import_paths() -> list[str]:
    """The folders that this Blender imports the light core and pyzmq from."""
    found = [str(Path(restrip.errors.__file__).parents[1])]
    zmq = importlib.util.find_spec("zmq")
    if zmq is not None and zmq.origin:
        found.append(str(Path(zmq.origin).parents[1]))
    return list(dict.fromkeys(found))


def start_outside(end: socket.socket, name: str) -> subprocess.Popen[bytes]:
    """Start the messenger under Blender's own Python, with its end of the pipe. Raises OSError."""
    windows = sys.platform == "win32"
    told = {
        "module": "engine.messenger",
        "paths": import_paths(),
        "name": name,
        "pipe": None if windows else end.fileno(),
    }
    command = [sys.executable, "-I", "-B", str(OUTSIDE), json.dumps(told)]
    if not windows:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=(end.fileno(),), start_new_session=True)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, creationflags=_NO_WINDOW)
    share: Any = end  # `share` is known on Windows only.
    assert process.stdin is not None
    process.stdin.write(share.share(process.pid))
    process.stdin.close()
    return process
