"""The engine's sockets: ROUTER for requests, XPUB for events, both on 127.0.0.1 and under CURVE.

front-end ── CURVE ──► ZAP: is this the client key of this start? ──► ROUTER, XPUB
guest ────── CURVE ──► ZAP: is this a key that was allowed? ────────► a ROUTER of its own, only while shared
"""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from restrip import __version__, codec
from restrip.client.discovery import Connection
from restrip.client.messages import (
    MAX_BYTES,
    PROTOCOL,
    BadMessage,
    Header,
    Message,
    decode,
    encode,
    header,
    pack,
    unpack,
)
from restrip.errors import RestripError
from restrip.remote.peer import to_hex
from restrip.service.query_queue import Reply
from restrip.service.sharing import CannotListen, Share
from restrip.service.workers.process import INBOX
from restrip.storage.json_files import write_json

LOOPBACK = "127.0.0.1"
SUBSCRIBER_HWM = 500
WORKERS_END_S = 3.0
"""How long an engine that ends waits for threads whose worker can't be killed: one stuck in a driver."""
FRONT_ENDS, GUESTS = b"restrip", b"restrip-guests"
GUEST = b"guest:"
Answer = Callable[[Message, Reply], None]


class Server:
    """Binds, authenticates, receives and sends. Used from the supervisor's one thread."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.engine_id = uuid.uuid4().hex
        self._server_key, self._server_secret = zmq.curve_keypair()
        self._client_key, self._client_secret = zmq.curve_keypair()
        # Before the other sockets: without it libzmq lets everybody in.
        self._zap = self.context.socket(zmq.REP)
        self._zap.bind("inproc://zeromq.zap.01")
        # One of its own: threads that listen to workers have sockets in it, which only they may close.
        self.workers: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.inbox = self.workers.socket(zmq.PULL)
        self.inbox.bind(INBOX)
        self._requests, self._requests_at = self._bind(zmq.ROUTER)
        self._events, self._events_at = self._bind(zmq.XPUB)
        self.share: Share | None = None
        self._guests: zmq.Socket[bytes] | None = None
        self._poller = zmq.Poller()
        for socket in (self._zap, self.inbox, self._requests, self._events):
            self._poller.register(socket, zmq.POLLIN)
        self.last_request = time.monotonic()

    def connection(self, argv: tuple[str, ...], pid: int) -> Connection:
        """What engine.json says of this server."""
        return Connection(
            engine_id=self.engine_id,
            protocol=PROTOCOL,
            engine_version=__version__,
            pid=pid,
            requests=self._requests_at,
            events=self._events_at,
            server_key=self._server_key.decode(),
            client_public=self._client_key.decode(),
            client_secret=self._client_secret.decode(),
            argv=argv,
            started=time.time(),
        )

    def serve(self, wait_s: float, answer: Answer, heard: Callable[[str, bytes], None]) -> None:
        """Wait up to `wait_s` for something, and deal with all that is there."""
        ready = dict(self._poller.poll(int(wait_s * 1000)))
        if self._zap in ready:
            self._authenticate()
        if self.inbox in ready:
            for _ in range(1000):
                try:
                    name, line = self.inbox.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                heard(name.decode(), line)
        if self._events in ready:
            self._welcome()
        for socket in (self._requests, self._guests):
            if socket is not None and socket in ready:
                self._take_all(socket, answer)

    def open_to_guests(self, share: Share | None) -> Share | None:
        """Listen for guests where `share` says, or no longer when None; what was open before is closed.

        Returns the share with the port that it got. Raises CannotListen: then nobody is listened to.
        """
        if self._guests is not None:
            self._poller.unregister(self._guests)
            self._guests.close(linger=300)
        self.share, self._guests = None, None
        if share is None:
            return None
        socket = self._socket(zmq.ROUTER, share.server_key.encode(), share.server_secret.encode(), GUESTS)
        try:
            if share.port:
                socket.bind(f"tcp://{share.host}:{share.port}")
            else:
                share = replace(share, port=socket.bind_to_random_port(f"tcp://{share.host}"))
        except zmq.ZMQError as error:
            socket.close(linger=0)
            raise CannotListen(share.address, str(error).lower()) from error
        self._poller.register(socket, zmq.POLLIN)
        self.share, self._guests = share, socket
        return share

    def know_guests(self, share: Share) -> None:
        """Let in whom `share` names from now on; on connections by another grant nothing is said any more."""
        self.share = share

    def publish(self, topic: str, kind: str, body: Mapping[str, Any], blob: bytes | None = None) -> None:
        """Publish an event to the subscribers of a topic. Events are hints and may be lost."""
        try:
            frames = [topic.encode(), encode(codec.write(header(kind, engine_id=self.engine_id))), encode(body)]
        except BadMessage:
            return  # Too large: who wants to know asks for the status, and is told that.
        self._events.send_multipart([*frames, blob] if blob is not None else frames)

    def close(self) -> None:
        """Give the replies a moment to leave, then close."""
        self.open_to_guests(None)
        self._requests.close(linger=300)
        self._events.close(linger=300)
        self._zap.close(linger=0)
        self.inbox.close(linger=0)
        self.context.destroy(linger=300)
        ending = threading.Thread(target=self.workers.term, daemon=True, name="end of the workers' sockets")
        ending.start()
        ending.join(WORKERS_END_S)

    def _bind(self, kind: int) -> tuple[zmq.Socket[bytes], str]:
        socket = self._socket(kind, self._server_key, self._server_secret, FRONT_ENDS)
        port = socket.bind_to_random_port(f"tcp://{LOOPBACK}")
        return socket, f"tcp://{LOOPBACK}:{port}"

    def _socket(self, kind: int, public: bytes, secret: bytes, domain: bytes) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = self.context.socket(kind)
        socket.curve_server = True
        socket.curve_secretkey = secret
        socket.curve_publickey = public
        socket.zap_domain = domain
        socket.linger = 300
        socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
        socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        socket.setsockopt(zmq.SNDHWM, SUBSCRIBER_HWM)
        socket.setsockopt(zmq.IPV6, 0)
        if kind == zmq.XPUB:
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        return socket

    def _authenticate(self) -> None:
        """Answer libzmq's questions (ZAP, rfc.zeromq.org/spec/27) with the name of who it is, or with no."""
        while True:
            try:
                frames = self._zap.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            user = self._user(frames)
            status = [b"200", b"OK", user] if user else [b"400", b"no access", b""]
            self._zap.send_multipart([b"1.0", frames[1] if len(frames) > 1 else b"", *status, b""])

    def _user(self, frames: list[bytes]) -> bytes:
        """The client with this key: a front-end of this computer, or a guest; b"" for an unknown key."""
        if len(frames) < 7 or frames[5] != b"CURVE":
            return b""
        key = z85.encode(frames[6])
        if frames[2] == FRONT_ENDS:
            return b"front-end" if frames[3].startswith(b"127.") and key == self._client_key else b""
        grant = self.share.grant(key.decode()) if frames[2] == GUESTS and self.share is not None else ""
        return _user_of(grant, key.decode()) if grant else b""

    def _welcome(self) -> None:
        """Tell a new subscriber of a topic that its subscription holds: it can ask for the status now."""
        while True:
            try:
                frame = self._events.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            topic = frame[1:]
            if frame[:1] == b"\x01" and 0 < len(topic) <= 100 and topic.isascii():
                self.publish(topic.decode(), "welcome", {})

    def _take_all(self, socket: zmq.Socket[bytes], answer: Answer) -> None:
        for _ in range(100):  # Then the workers' turn again.
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._take(socket, [frame.bytes for frame in frames], _user_at(frames[0]), answer)

    def _take(self, socket: zmq.Socket[bytes], frames: list[bytes], user: bytes, answer: Answer) -> None:
        """One request: [who, header, body]. What can't be read gets an error, addressed as far as it could be."""
        guest = ""
        if socket is self._guests:
            guest = self._grant_of(user)
            if not guest:
                return
        self.last_request = time.monotonic()
        who, rest = frames[0], frames[1:]

        def reply(to: Header | None, body: Mapping[str, Any]) -> None:
            if socket is not self._guests or self._grant_of(user):  # It may have been forgotten in the meantime.
                self._reply(socket, who, to, body)

        try:
            message = replace(unpack(rest), guest=guest)
        except BadMessage as error:
            reply(_header_of(rest), {"ok": False, **error.to_wire()})
            return
        answer(message, lambda body: reply(message.header, body))

    def _grant_of(self, user: bytes) -> str:
        """The grant of a guest's connection, as long as it holds and is this key's; else ""."""
        guests = self.share.guests.values() if self.share is not None else ()
        return next((guest.grant for guest in guests if _user_of(guest.grant, guest.key) == user), "")

    def _reply(self, socket: zmq.Socket[bytes], who: bytes, to: Header | None, body: Mapping[str, Any]) -> None:
        mine = header(
            "reply",
            id=uuid.uuid4().hex,
            re=to.id if to else "",
            session=to.session if to else "",
            engine_id=self.engine_id,
        )
        try:
            frames = pack(mine, body)
        except BadMessage as error:
            frames = pack(mine, {"ok": False, **error.to_wire()})
        if not socket.closed:
            socket.send_multipart([who, *frames])


def _user_of(grant: str, key: str) -> bytes:
    """What ZAP names a guest's connection by: the grant that it was let in with, and its key."""
    return GUEST + f"{hashlib.sha256(grant.encode()).hexdigest()}:{to_hex(key)}".encode()


def _user_at(frame: zmq.Frame) -> bytes:
    """What ZAP named the connection by on which a message came."""
    try:
        return str(frame.get("User-Id")).encode()
    except zmq.ZMQError:
        return b""


def _header_of(frames: list[bytes]) -> Header | None:
    """The header alone, for an error about the body."""
    try:
        return Header.from_json(decode(frames[0])) if frames else None
    except RestripError:
        return None


def write_connection(folder: Path, connection: Connection) -> None:
    """Replace engine.json, for this user's eyes alone."""
    write_json(folder / "engine.json", connection.to_json(), mode=0o600)
