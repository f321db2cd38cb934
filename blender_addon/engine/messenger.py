"""Talks with the engine for Blender, in a process of its own: Blender never waits, and has no thread of ours.

Up to 5.0 Blender crashes when a Python thread runs while an operator is called under `context.temp_override`: it looks
at the override without holding the interpreter's lock. So nothing of the extension runs beside Blender's main thread.

    Blender   {"n": 7, "call": "submit", "given": {...}, "engine": ""}  ►   messenger ─── engine
              {"follow": "<job id>"}                                    ►
              {"watch": "<strip>", "places": {...}}                     ►      (watcher.py)
              ◄  {"n": 7, "result": {...}} or {"n": 7, "error": {...}}
              ◄  {"status": {...}}      {"preview": {"topic", "body", "jpeg"}}

It ends when Blender's end of the pipe is closed, after what was asked until then.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from restrip.client.client import Client, EngineUnreachable, connect
from restrip.client.start import EngineMissing, start_engine
from restrip.client.status import Event, JobStatus
from restrip.errors import RestripError

from . import finding
from .engine_calls import call
from .pipe import Pipe
from .watcher import Watcher

LISTEN_S = 0.15
ASK_AGAIN_S = 2.0
START_S = 15.0
IDLE_S = 60.0


class NoAccess(RestripError):
    """The engine's folder can't be used."""

    code = "no-access"


class Messenger:
    """Does what comes through the pipe, and tells what happens to the jobs that are followed.

    `name` is the front-end's, as the engine lists it.
    """

    def __init__(self, pipe: Pipe, name: str) -> None:
        self.name = name
        self._pipe = pipe
        self._asked: deque[dict[str, Any]] = deque()
        self._engine = ""
        self._client: Client | None = None
        self._followed: dict[str, JobStatus] = {}
        self._due: dict[str, float] = {}
        self._used = time.monotonic()
        self._listen_from = 0.0
        self._watcher = Watcher(pipe.put)

    def run(self) -> None:
        """Until Blender is gone."""
        try:
            while True:
                self._asked += self._pipe.take()
                if self._asked:
                    self._obey(self._asked.popleft())
                elif self._pipe.closed:
                    return
                elif self._followed and time.monotonic() >= self._listen_from:
                    self._listen()
                else:
                    self._rest()
        finally:
            self._leave()

    def _rest(self) -> None:
        """Nothing to do: wait for Blender, and leave the engine after a while."""
        if self._client is not None and not self._followed and time.monotonic() - self._used > IDLE_S:
            self._leave()
        self._pipe.wait(max(0.0, self._listen_from - time.monotonic()) if self._followed else IDLE_S)

    def _obey(self, message: Mapping[str, Any]) -> None:
        if "watch" in message:
            self._watcher.want(str(message["watch"]), message["places"])
            return
        if "follow" in message:
            self._follow(str(message["follow"]))
            return
        self._engine = str(message.get("engine", ""))
        try:
            result = call(self._open(), message["call"], message["given"])
        except RestripError as error:
            if isinstance(error, EngineUnreachable):
                self._leave()
            self._pipe.put({"n": message["n"], "error": error.to_wire()})
        except OSError as error:
            self._pipe.put({"n": message["n"], "error": _no_access(error).to_wire()})
        else:
            self._pipe.put({"n": message["n"], "result": result})

    def _open(self) -> Client:
        self._used = time.monotonic()
        if self._client is None:
            self._client = self._connect()
            for job_id in self._followed:
                self._client.subscribe(job_id)
        return self._client

    def _connect(self) -> Client:
        with contextlib.suppress(EngineUnreachable):
            return connect(self.name, start=False)
        command = finding.engine_command(self._engine)
        if not command:
            return connect(self.name)
        start_engine(command)
        until = time.monotonic() + START_S
        while True:
            try:
                return connect(self.name, start=False)
            except EngineUnreachable:
                if time.monotonic() > until:
                    raise
            time.sleep(0.1)

    def _follow(self, job_id: str) -> None:
        self._followed.setdefault(job_id, JobStatus(job_id))
        self._due[job_id] = 0.0
        if self._client is not None:
            self._client.subscribe(job_id)

    def _listen(self) -> None:
        """Take events for a moment, and ask for the truth of jobs that have been silent."""
        try:
            client = self._open()
            for event in client.events(LISTEN_S):
                self._take(event)
            for job_id in [job_id for job_id, due in self._due.items() if due <= time.monotonic()]:
                self._learn(client.status(job_id))
        except (RestripError, OSError) as error:
            self._leave()
            trouble = error if isinstance(error, RestripError) else _no_access(error)
            for job_id, status in self._followed.items():
                self._tell(replace(status, job_id=job_id, note=str(trouble)))
            if isinstance(error, EngineMissing):
                self._followed.clear()
                self._due.clear()
            self._listen_from = time.monotonic() + ASK_AGAIN_S

    def _take(self, event: Event) -> None:
        job_id = event.job_id
        last = self._followed.get(job_id)
        if last is None:
            return
        if event.blob is not None:
            jpeg = base64.b64encode(event.blob).decode()
            self._pipe.put({"preview": {"topic": event.topic, "body": event.body, "jpeg": jpeg}})
        if event.seq <= last.seq:
            return
        if event.type == "progress" and event.seq == last.seq + 1:
            self._learn(last.after(event))
        else:
            self._due[job_id] = 0.0

    def _learn(self, status: JobStatus) -> None:
        last = self._followed[status.job_id]
        self._followed[status.job_id] = status
        self._due[status.job_id] = time.monotonic() + ASK_AGAIN_S
        if status != last or status.ended:  # One that the engine doesn't know looks like one not asked for yet.
            self._tell(status)
        if status.ended:
            del self._followed[status.job_id], self._due[status.job_id]
            if self._client is not None:
                self._client.unsubscribe(status.job_id)

    def _tell(self, status: JobStatus) -> None:
        self._pipe.put({"status": status.to_json()})

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _no_access(error: OSError) -> NoAccess:
    return NoAccess(
        f"The engine's folder can't be used: {error.strerror or error}.", "Look at its rights.", path=error.filename
    )


def main(told: Mapping[str, Any]) -> None:
    """Run with the end of the pipe that Blender handed over: its number, or on Windows what stdin brings."""
    number = told["pipe"]
    if number is None:
        share: Any = socket  # `fromshare` is known on Windows only.
        end = share.fromshare(sys.stdin.buffer.read())
    else:
        end = socket.socket(fileno=int(number))
    Messenger(Pipe(end), str(told["name"])).run()
