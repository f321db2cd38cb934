"""A session with the engine: finding it, starting it, asking it, and noticing that it ended.

open ── engine.json ── hello (1 s, twice) ── no answer ── start ── wait for a new engine_id
request ── silence ── ping, 3 misses ── engine.json again ── fresh sockets ── the same request
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from restrip.client import discovery
from restrip.client.build import PACKAGE, own_build
from restrip.client.discovery import Connection
from restrip.client.messages import PROTOCOL, Message, ProtocolMismatch, header, major
from restrip.client.start import start_engine
from restrip.client.unreachable import EngineUnreachable, OtherInstallation, last_words
from restrip.client.wire import Wire
from restrip.errors import RemoteError, RestripError
from restrip.storage import processes

HELLO_S = 1.0
LOOK_S = 3.0
START_S = 15.0
SILENCE_S = 2.0
MISSES = 3
BACK_OFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)

OnWait = Callable[[str], None]

FEATURES = ("seeds", "suggest", "placed", "blobs")


class EngineSession:
    """The part of a client that holds on to the engine, for use from one thread.

    `patience_s` is how long it waits for an engine that was started, or that runs and doesn't answer at once;
    `reach_s` how long for a connection. One that may start an engine doesn't use one of another build than its own: it
    has that finish what is at work, and starts its own. With `on_wait`, which is told so in words, it waits for that as
    long as it takes; without, as long as its patience.
    """

    patience_s = START_S
    on_reading: Callable[[int, int], None] | None = None
    """Hears how much of a movie is decoded when that has to be done before a question about it can be answered."""
    reach_s = 60.0

    def __init__(self, client: str, project: str, start: bool, on_wait: OnWait | None = None) -> None:
        self.client = client
        self.project = project
        self.session = uuid.uuid4().hex
        self.hello: dict[str, Any] = {}
        self._start = start
        self._on_wait = on_wait
        self._settled = False
        self._wire: Wire | None = None
        self._topics: dict[str, None] = {}

    def request(
        self, kind: str, body: Mapping[str, Any] | None = None, *, timeout_s: float = 60.0, ends: bool = False
    ) -> dict[str, Any]:
        """Ask, and wait for the answer while the engine shows signs of life. Every request may be asked twice; one that
        `ends` the engine is answered by its clean end too, {}.

        Raises RemoteError, EngineUnreachable, ProtocolMismatch, BadMessage, UnsafeFolder.
        """
        wire = self._open_wire()
        for pause_s in (*BACK_OFF_S, 0.0):
            reply = self._ask(wire, kind, body or {}, timeout_s)
            if reply is not None and reply.body.get("code") != "other-engine":
                return _result(reply)
            if ends and reply is None and self._has_ended:
                self._drop()
                return {}
            wire = self._reconnect(pause_s)
        self._drop()
        raise EngineUnreachable("The engine runs but doesn't answer.", "Run 'restrip engine stop' and try again.")

    def open(self) -> None:
        """Find the engine, or start it. `connect` calls this."""
        self._open_wire()

    def close(self) -> None:
        """Leave; the engine goes on."""
        self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open_wire(self) -> Wire:
        if self._wire is not None:
            return self._wire
        connection = self._find()
        if connection is not None and self._try(connection):
            assert self._wire is not None
            if self._settled or not self._start or not self._of_other_build:
                self._settled = True
                return self._wire
            self._replace(self._wire)
        if self._start:
            start_engine()
        elif connection is None or not self._runs(connection):
            raise self._nobody()
        return self._wait_for_engine()

    def replace_other(self) -> bool:
        """Have an engine of another build than this one's finish and end; False when it is of this one, and stays.

        Raises OtherInstallation.
        """
        wire = self._open_wire()
        if not self._of_other_build:
            return False
        self._replace(wire)
        return True

    @property
    def _of_other_build(self) -> bool:
        """Whether the engine is of another build than the one that is installed here; never where none is."""
        return own_build() not in ("", self.hello.get("build"))

    def _replace(self, wire: Wire) -> None:
        """Have an engine of another build finish what is at work, and wait for its end. Raises OtherInstallation."""
        where = str(self.hello.get("installation", "")) or f"Restrip {self.hello.get('engine_version', '?')}"
        self._ask(wire, "drain", {}, HELLO_S)
        until, said = time.monotonic() + self.patience_s, -1
        while self._lives(wire.connection):
            jobs = self._at_work(wire)
            if self._on_wait is not None and (jobs not in (said, 0) or said < 0):
                self._on_wait(_handing_over(where, jobs))
                said = jobs
            elif self._on_wait is None and time.monotonic() > until:
                self._drop()
                raise OtherInstallation(where, jobs)
            _until(lambda: not self._lives(wire.connection), LOOK_S)
        self._drop()

    def _at_work(self, wire: Wire) -> int:
        """How many jobs are at work there; 0 when it doesn't say."""
        reply = self._ask(wire, "engine_status", {}, HELLO_S)
        running = reply.body.get("running") if reply is not None else None
        return len(running) if isinstance(running, list) else 0

    def _find(self) -> Connection | None:
        """Where the engine is; None when that is not known."""
        return discovery.read_connection()

    @property
    def _has_ended(self) -> bool:
        connection = self._find()
        return connection is not None and bool(connection.stopped)

    def _lives(self, connection: Connection) -> bool:
        """Whether that engine's process runs."""
        return processes.alive(connection.pid)

    def _nobody(self) -> RestripError:
        """What is wrong when no engine answers and none may be started."""
        return EngineUnreachable("The engine isn't running.", "Start it with: restrip engine start")

    def _runs(self, connection: Connection) -> bool:
        return not connection.stopped and bool(connection.requests) and self._lives(connection)

    def _wait_for_engine(self) -> Wire:
        """The engine that was started, or that runs and was too busy to answer at once. Raises EngineUnreachable."""
        until, began = time.monotonic() + self.patience_s, time.time()
        while time.monotonic() < until:
            connection = self._find()
            if connection is not None and self._try(connection):
                assert self._wire is not None
                self._settled = True
                return self._wire
            if not self._start and (connection is None or not self._runs(connection)):
                break
            trouble = discovery.start_trouble(began) if self._start else None
            if trouble is not None:
                raise EngineUnreachable(f"The engine can't start. {trouble[0]}", trouble[1])
            time.sleep(0.05)
        raise (
            self._nobody()
            if not self._start
            else EngineUnreachable("The engine was started but doesn't answer." + last_words())
        )

    def _try(self, connection: Connection) -> bool:
        """Open fresh sockets and say hello, twice. Leaves `_wire` set when the engine answers."""
        if not self._runs(connection):
            return False
        wire = Wire(connection)
        try:
            for _ in range(2):
                reply = self._ask(wire, "hello", self._hello_body(), HELLO_S)
                if reply is not None:
                    if not self._understood(wire, reply):
                        return False
                    self._wire, wire = wire, None  # type: ignore[assignment]
                    for topic in self._topics:
                        self._wire.subscribe(topic)
                    return True
        finally:
            if wire is not None:
                wire.close()
        return False

    def _understood(self, wire: Wire, reply: Message) -> bool:
        """Whether the engine speaks our major; an idle older one is asked to leave. Raises ProtocolMismatch."""
        if reply.body.get("ok"):
            self.hello = reply.body
            return True
        if reply.body.get("code") != "protocol":
            raise RemoteError(reply.body)
        detail = reply.body.get("detail")
        facts = detail if isinstance(detail, dict) else {}
        theirs, busy = str(facts.get("engine", "?")), bool(facts.get("busy", True))
        if major(theirs) < major(PROTOCOL) and not busy and self._start:
            self._ask(wire, "quit", {"if_idle": True}, HELLO_S)
            _until(lambda: not self._lives(wire.connection), START_S)
            return False
        raise ProtocolMismatch(PROTOCOL, theirs, busy)

    def _hello_body(self) -> dict[str, Any]:
        return {"protocol": PROTOCOL, "client": self.client, "project": self.project, "features": list(FEATURES)}

    def _ask(self, wire: Wire, kind: str, body: Mapping[str, Any], timeout_s: float) -> Message | None:
        """Send and wait; None when the engine is silent for too long, dead, or doesn't take it.

        Raises EngineUnreachable when it lives but takes longer than `timeout_s`.
        """
        mine = header(kind, id=uuid.uuid4().hex, session=self.session, engine_id=wire.connection.engine_id)
        until = time.monotonic() + timeout_s
        # A fresh socket needs the handshake before it takes a message.
        reached = time.monotonic() + min(timeout_s, self.reach_s)
        while not wire.send(mine, body):
            if time.monotonic() > reached or not self._lives(wire.connection):
                return None
        misses, last = 0, time.monotonic()
        while time.monotonic() < until and misses < MISSES:
            reply = wire.receive(min(SILENCE_S, max(0.0, until - time.monotonic())))
            if reply is not None and reply.header.re == mine.id:
                reading = reply.body.get("reading")
                if not isinstance(reading, dict):
                    return reply
                if self.on_reading is not None:
                    self.on_reading(int(reading.get("done", 0)), int(reading.get("total", 0)))
            if wire.heard:
                misses, last = 0, time.monotonic()
            elif time.monotonic() - last >= SILENCE_S:
                if not self._lives(wire.connection):
                    return None
                misses, last = misses + 1, time.monotonic()
                wire.send(header("ping", id="beat", session=self.session, engine_id=mine.engine_id), {})
        if misses < MISSES and timeout_s > SILENCE_S:
            raise EngineUnreachable(
                f"The engine takes longer than {timeout_s:g} s to answer '{kind}'.",
                "Its worker may be busy, or a drive slow: try again later.",
            )
        return None

    def _reconnect(self, pause_s: float) -> Wire:
        """Read the file again and make fresh sockets. An engine that ended cleanly is started again.

        Raises EngineUnreachable when it died.
        """
        old = self._wire.connection if self._wire is not None else None
        self._drop()
        connection = self._find()
        gone = connection is None or not self._lives(connection)
        if gone and connection is not None and not connection.stopped:
            raise EngineUnreachable("The engine stopped in the middle of its work.")
        if not gone and old is not None and connection == old:
            time.sleep(pause_s)
        return self._open_wire()

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def _result(reply: Message) -> dict[str, Any]:
    if reply.body.get("ok"):
        return reply.body
    if reply.body.get("code") == "protocol":
        detail = reply.body.get("detail")
        facts = detail if isinstance(detail, dict) else {}
        raise ProtocolMismatch(PROTOCOL, str(facts.get("engine", "?")), bool(facts.get("busy", True)))
    raise RemoteError(reply.body)


def _handing_over(where: str, jobs: int) -> str:
    first = f"it finishes {jobs} {'job' if jobs == 1 else 'jobs'} first, and then" if jobs else "it ends, and"
    return f"The engine that runs is of another installation ({where}): {first} the one of {PACKAGE} starts."


def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    with contextlib.suppress(OSError):
        while not condition() and time.monotonic() < end:
            time.sleep(0.05)
