"""The thread that talks with the engine, so that Blender never waits for the network.

main thread                        courier's thread
ask(work) ── queue ──────────────► work(client) ─────────► engine
pump()   ◄── queue of callbacks ── answers, job statuses ◄─
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import TypeVar

from restrip.errors import RestripError
from restrip.link.client import Client, EngineUnreachable, connect
from restrip.link.start import EngineMissing, start_engine
from restrip.link.status import Event, JobStatus

T = TypeVar("T")
Failed = Callable[[RestripError], None]

LISTEN_S = 0.15
ASK_AGAIN_S = 2.0
START_S = 15.0
IDLE_S = 60.0

_PROGRESS = ("state", "phase", "done", "total", "unit", "segment", "eta_s", "note")


class NoAccess(RestripError):
    """The engine's folder can't be used."""

    code = "no-access"


class Courier:
    """Asks the engine in a thread of its own and keeps what it hears for `pump`, which the main thread calls.

    `command` gives the engine's command when it has to be started; empty leaves that to restrip.link. `on_status` and
    `on_preview` are called by `pump` for the jobs that are followed,
    the second with events that bring a picture.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[], tuple[str, ...]],
        on_status: Callable[[JobStatus], None],
        on_preview: Callable[[Event], None],
    ) -> None:
        self.name = name
        self._command = command
        self._on_status, self._on_preview = on_status, on_preview
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._heard: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._client: Client | None = None
        self._followed: dict[str, JobStatus] = {}
        self._due: dict[str, float] = {}
        self._used = 0.0
        self._thread: threading.Thread | None = None

    def ask(self, work: Callable[[Client], T], then: Callable[[T], None], failed: Failed) -> None:
        """Have `work` done in the thread; `pump` calls `then` with its result or `failed` with its error."""
        self._put(lambda: self._do(work, then, failed))

    def follow(self, job_id: str) -> None:
        """Have every change of a job told to `on_status`, until nothing more happens to it."""
        self._put(lambda: self._follow(job_id))

    def tell(self, callback: Callable[[], None]) -> None:
        """Have `pump` call something; for other threads that have news for the main thread."""
        self._heard.put(callback)

    def pump(self, budget_s: float) -> bool:
        """Call what came in back, for about so long; whether anything came in."""
        end = time.perf_counter() + budget_s
        called = False
        while time.perf_counter() < end:
            try:
                self._heard.get_nowait()()
            except Empty:
                break
            called = True
        return called

    def stop(self) -> None:
        """End the thread; the engine and its jobs go on."""
        if self._thread is not None:
            self._asked.put(None)
            self._thread.join(timeout=3)
            self._thread = None

    def _put(self, work: Callable[[], None]) -> None:
        self._asked.put(work)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="restrip-courier", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            while True:
                with contextlib.suppress(Empty):
                    work = self._asked.get(timeout=0 if self._followed else IDLE_S)
                    if work is None:
                        return
                    work()
                    continue
                if self._followed:
                    self._listen()
                elif time.monotonic() - self._used > IDLE_S:
                    self._leave()
        finally:
            self._leave()

    def _do(self, work: Callable[[Client], T], then: Callable[[T], None], failed: Failed) -> None:
        try:
            result = work(self._open())
        except RestripError as error:
            if isinstance(error, EngineUnreachable):
                self._leave()
            told = error
            self._heard.put(lambda: failed(told))
        except OSError as error:
            trouble = _no_access(error)
            self._heard.put(lambda: failed(trouble))
        else:
            self._heard.put(lambda: then(result))

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
        command = self._command()
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
                lost = replace(status, job_id=job_id, note=str(trouble))
                self._heard.put(lambda lost=lost: self._on_status(lost))  # type: ignore[misc]
            if isinstance(error, EngineMissing):
                self._followed.clear()
                self._due.clear()
            time.sleep(ASK_AGAIN_S)

    def _take(self, event: Event) -> None:
        job_id = event.job_id
        last = self._followed.get(job_id)
        if last is None:
            return
        if event.blob is not None:
            self._heard.put(lambda: self._on_preview(event))
        if event.seq <= last.seq:
            return
        if event.type == "progress" and event.seq == last.seq + 1:
            known = {name: event.body[name] for name in _PROGRESS if name in event.body}
            self._learn(replace(last, seq=event.seq, **known))
        else:
            self._due[job_id] = 0.0

    def _learn(self, status: JobStatus) -> None:
        last = self._followed[status.job_id]
        self._followed[status.job_id] = status
        self._due[status.job_id] = time.monotonic() + ASK_AGAIN_S
        if status != last:
            self._heard.put(lambda: self._on_status(status))
        if status.ended:
            del self._followed[status.job_id], self._due[status.job_id]
            if self._client is not None:
                self._client.unsubscribe(status.job_id)

    def _leave(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _no_access(error: OSError) -> NoAccess:
    return NoAccess(
        f"The engine's folder can't be used: {error.strerror or error}.", "Look at its rights.", path=error.filename
    )
