"""The front-end's end of the wire: one DEALER for requests, one SUB for events, both under CURVE."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import zmq

from restrip.client.discovery import Connection
from restrip.client.messages import BadMessage, Header, Message, decode, pack, unpack
from restrip.client.status import Event

SEND_MS = 300


class Wire:
    """Fresh sockets to one engine. Used from one thread; `close` gives everything back.

    An engine that sends no events to this client names no place for them.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._requests = self._socket(zmq.DEALER, connection.requests)
        self._events = self._socket(zmq.SUB, connection.events)
        self._poller = zmq.Poller()
        self._poller.register(self._requests, zmq.POLLIN)
        self._poller.register(self._events, zmq.POLLIN)
        self.events: deque[Event] = deque(maxlen=10_000)

    def subscribe(self, topic: str) -> None:
        """Have the events of `topic` come in; the engine answers with a `welcome` on it."""
        self._events.setsockopt(zmq.SUBSCRIBE, topic.encode())

    def unsubscribe(self, topic: str) -> None:
        """Have them come in no longer."""
        self._events.setsockopt(zmq.UNSUBSCRIBE, topic.encode())

    def send(self, header: Header, body: Mapping[str, object]) -> bool:
        """Send a request; False when no engine takes it. Raises BadMessage."""
        frames = pack(header, body)
        try:
            self._requests.send_multipart(frames)
        except zmq.Again:
            return False
        return True

    def receive(self, timeout_s: float) -> Message | None:
        """Wait for anything. Returns a reply, or None; events go to `self.events`. See `heard`."""
        self.heard = False
        ready = dict(self._poller.poll(max(0, int(timeout_s * 1000))))
        if self._events in ready:
            self._take_events()
        if self._requests not in ready:
            return None
        self.heard = True
        try:
            return unpack(self._requests.recv_multipart(zmq.NOBLOCK))
        except (BadMessage, zmq.Again):
            return None

    heard = False
    """Whether the last `receive` got anything at all: any message is a sign of life."""

    def close(self) -> None:
        """Close the sockets; what was not sent is forgotten."""
        self._requests.close(linger=0)
        self._events.close(linger=0)
        self._context.term()

    def _take_events(self) -> None:
        for _ in range(1000):
            try:
                frames = self._events.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self.heard = True
            event = read_event(frames)
            if event is not None:
                self.events.append(event)

    def _socket(self, kind: int, endpoint: str) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self._context.socket(kind)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.IMMEDIATE, 1)
        socket.setsockopt(zmq.SNDTIMEO, SEND_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, 100)
        socket.setsockopt(zmq.MAXMSGSIZE, 2 << 20)
        socket.curve_serverkey = self.connection.server_key.encode()
        socket.curve_publickey = self.connection.client_public.encode()
        socket.curve_secretkey = self.connection.client_secret.encode()
        if endpoint:
            socket.connect(endpoint)
        return socket


def read_event(frames: list[bytes]) -> Event | None:
    """An event out of its frames; None when they are none."""
    if not 3 <= len(frames) <= 4:
        return None
    try:
        topic = frames[0].decode()
        header = Header.from_json(decode(frames[1]))
        body = decode(frames[2])
    except (BadMessage, UnicodeDecodeError):
        return None
    return Event(topic, header.type, header.engine_id, body, frames[3] if len(frames) == 4 else None)
