"""The engine's life: lock, sockets, connection file, then answering until it is time to leave."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from restrip import __version__
from restrip.client import discovery
from restrip.client.build import is_whole
from restrip.client.privileges import AS_ROOT, is_root
from restrip.client.start import engine_argv, record_start, start_engine
from restrip.errors import RestripError
from restrip.service.engine import Engine
from restrip.service.executors.choice import Choice, chosen
from restrip.service.installed import Now
from restrip.service.limits import Limits
from restrip.service.log import EngineLog, log, say
from restrip.service.requests import Dispatcher
from restrip.service.server import Server, write_connection
from restrip.service.sharing import Share
from restrip.service.workers.messages import BadReport, read_line
from restrip.service.workers.process import WORKER, Worker, WorkerProcess
from restrip.storage import processes
from restrip.storage.json_files import remove_asides
from restrip.storage.locks import EngineLock

TURN_S = 0.1
LINGER_S, MOST_LINGER_S = 1.0, 5.0
HAND_OVER_S = 5.0
"""How long a new engine waits for the lock of one that has said that it ended, or was killed."""


class Supervisor:
    """One engine. `run` returns when it is over."""

    def __init__(self, folder: Path, limits: Limits, choice: Choice) -> None:
        self.limits = limits
        self.folder = folder
        self.server = Server()
        try:
            executor = choice.executor(self._start, folder.parent, limits)
            self.engine = Engine(folder.parent, limits, self.server.publish, self._start, executor)
        except OSError:
            self.server.close()
            raise
        self.dispatcher = Dispatcher(self.engine, self.server.engine_id, door=self.server)
        self._beat = self._drained = 0.0
        self._shared = False

    def run(self) -> None:
        """Load, say where we are, serve, leave in good order."""
        before = discovery.read_connection()
        clean = before is None or before.stopped == "clean"
        self.engine.load(clean)
        self._listen_for_guests()
        connection = self.server.connection(engine_argv(), os.getpid())
        record_start(connection.argv, self.folder)
        write_connection(self.folder, connection)
        self.engine.pool.executor.places()  # A cluster is asked for now, so that the status can say how it is.
        say("engine started", version=__version__, pid=os.getpid(), clean=clean, jobs=len(self.engine.records))
        if is_root():
            say("engine runs as root", level=logging.WARNING, why=AS_ROOT)
        while not self._over():
            self.server.serve(TURN_S, self.dispatcher.answer, self._heard)
            self.engine.tick()
            self._now_and_then()
        self._shared = self.server.share is not None
        self.engine.stop()
        # The secrets of an engine that ended are useless.
        write_connection(
            self.folder, replace(connection, stopped="clean", client_secret="", requests="", events="", pid=0)
        )
        say("engine ended")
        self.server.close()

    def _listen_for_guests(self) -> None:
        """As the last engine did. An address that is taken or gone is no reason not to work for this computer."""
        try:
            self.server.open_to_guests(Share.load(self.folder))
        except RestripError as error:
            say("not shared", level=logging.ERROR, why=str(error))

    def leave(self, *_: object) -> None:
        """End soon; also the handler of SIGTERM."""
        self.dispatcher.quitting = True

    def _start(self, worker_id: str, environment: Mapping[str, str] | None = None, argv: Sequence[str] = ()) -> Worker:
        return WorkerProcess(worker_id, self.server.workers, environment, argv or WORKER)

    def _heard(self, worker_id: str, line: bytes) -> None:
        try:
            message = read_line(line) if line else None
        except BadReport as error:
            self.engine.hearing.garbled(worker_id, error)
        else:
            self.engine.hearing.heard(worker_id, message)

    def _over(self) -> bool:
        if self.dispatcher.quitting:
            return True
        now = time.monotonic()
        alone_s = now - self.server.last_request
        if self.engine.draining and self.engine.idle:
            # Clients that waited for the last job fetch its result now.
            self._drained = self._drained or now
            return (alone_s > LINGER_S or now - self._drained > MOST_LINGER_S) and not self._being_upgraded
        self._drained = 0.0
        return self.engine.idle and self.server.share is None and alone_s > self.limits.engine_idle_s

    @property
    def _being_upgraded(self) -> bool:
        return self.engine.handing_over and self.engine.installed.look() is Now.UNCLEAR

    def _now_and_then(self) -> None:
        now = time.monotonic()
        if now - self._beat < self.limits.beat_s:
            return
        self._beat = now
        self.server.publish("engine", "beat", {"busy": self.engine.busy, "time": time.time()})
        self.dispatcher.forget_old_clients()
        self._leave_when_changed()

    def _leave_when_changed(self) -> None:
        """Workers that start now are of what is on the disk: what is at work is finished, and the next engine goes on.

        After an upgrade that is started here when there is something for it to do; after a removal there is none.
        """
        if not self.engine.handing_over and self.engine.installed.look() in (Now.CHANGED, Now.GONE):
            say("engine's files changed", build=self.engine.installed.build)
            self.engine.hand_over()

    @property
    def has_heir(self) -> bool:
        """Whether another engine is to follow at once: the files changed, and jobs wait or guests are let in."""
        waits = any(record.state == "queued" for record in self.engine.records.values())
        return self.engine.handing_over and (waits or self._shared) and is_whole()


def take(lock: EngineLock) -> bool:
    """Take the engine's lock; False when an engine runs. One that is just ending may hold it a moment longer."""
    until = time.monotonic() + HAND_OVER_S
    while not lock.acquire():
        there = discovery.read_connection()
        runs = there is not None and not there.stopped and processes.alive(there.pid)
        if runs or time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def serve(detached: bool, arguments: Sequence[str] = ()) -> int:
    """Be the engine, or leave at once with 0 when there is one already; with 1 when its folders can't be used."""
    try:
        return _serve(detached, arguments)
    except OSError as error:
        trouble: RestripError = discovery.StateFolder(error.filename or discovery.state_dir(), error)
    except RestripError as error:
        trouble = error
    if not log.handlers:
        log.addHandler(logging.NullHandler())
        with contextlib.suppress(OSError, RestripError):
            log.addHandler(EngineLog(discovery.run_folder() / "engine.log", take_over=False))
    say(discovery.NOT_STARTED, level=logging.ERROR, why=trouble.message, remedy=trouble.remedy)
    if not detached:
        sys.stderr.write(f"restrip-engine: {trouble}\n")
    return 1


def _serve(detached: bool, arguments: Sequence[str]) -> int:
    folder = discovery.run_folder()
    lock = EngineLock(folder / "engine.lock")
    if not take(lock):
        return 0
    handler = EngineLog(folder / "engine.log", take_over=detached)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    if not detached:
        log.addHandler(logging.StreamHandler(sys.stderr))
    remove_asides(folder)
    supervisor = Supervisor(folder, Limits.from_environment(), chosen(arguments, folder.parent))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, supervisor.leave)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        supervisor.run()
    finally:
        lock.release()
    if supervisor.has_heir:
        with contextlib.suppress(RestripError, OSError):
            start_engine()
    return 0
