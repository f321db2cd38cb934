"""Messages on the wire: JSON headers and bodies, checked and bounded. Specified in docs/protocol.md.

request, reply   [header, body]
event            [topic, header, body, blob?]
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from restrip import codec
from restrip.errors import BadInput, RestripError

PROTOCOL = "1.0"
"""The version that this package speaks: other majors don't understand each other."""

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_BLOB_BYTES = 64 << 10
MAX_NAME = 200

REQUESTS: tuple[str, ...] = (
    *("hello", "settings", "looks", "models", "probe", "check", "export_keys"),
    *("save_look", "read_look", "add_look", "remove_look"),
    *("submit", "seeds", "suggest", "status", "jobs", "cancel", "resume", "retry"),
    *("manifest", "placed", "discard", "would_discard", "cache"),
    *("ping", "engine_status", "free_gpu", "drain", "quit", "log_tail"),
    *("links", "share", "allow", "link", "quotas"),
    *("locate", "offer", "put", "keep", "results", "get"),
)
"""Every type of request."""

EVENTS: tuple[str, ...] = ("welcome", "progress", "state", "beat")
"""Every type of event."""


class BadMessage(BadInput):
    """Bytes that are no message: too many, too deep, no JSON, or without what every message has."""

    code = "bad-message"

    def __init__(self, message: str, remedy: str = "See docs/protocol.md.") -> None:
        super().__init__(message, remedy)


class ProtocolMismatch(RestripError):
    """Front-end and engine speak different majors of the protocol."""

    code = "protocol"

    def __init__(self, client: str, engine: str, busy: bool = False) -> None:
        if major(client) < major(engine):
            remedy = "Update the front-end: it is older than the engine."
        elif busy:
            remedy = "The older engine is rendering: run 'restrip engine stop --when-idle' and try again after its job."
        else:
            remedy = "Run 'restrip engine stop' and try again: the newer engine is then started."
        super().__init__(
            f"The front-end speaks protocol {client}, the engine {engine}.",
            remedy,
            client=client,
            engine=engine,
            busy=busy,
        )


@dataclass(frozen=True)
class Header:
    """What every message carries: version, own id, the id it answers, type, session, the engine meant, time."""

    v: str = ""
    id: str = ""
    re: str = ""
    type: str = ""
    session: str = ""
    engine_id: str = ""
    time: float = 0.0

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Header:
        """Read a header; missing texts are "". Raises BadMessage for one of another kind or without a type."""
        made = codec.read(cls, body, lambda why: BadMessage(f"The header can't be read: {why}."))
        if any(isinstance(text, str) and len(text) > MAX_NAME for text in vars(made).values()):
            raise BadMessage(f"The texts of a header are texts of at most {MAX_NAME} characters.")
        if not made.type or not made.v:
            raise BadMessage("A header has a type and a version.")
        return made


@dataclass(frozen=True)
class Message:
    """A request or reply as it came: header and body. `guest` is the grant of the linked computer that it came from."""

    header: Header
    body: dict[str, Any]
    guest: str = ""

    @property
    def who(self) -> str:
        """Whose turn it takes: a front-end's session, or the guest, whatever sessions it says that it has."""
        return self.guest or self.header.session


def major(version: str) -> int:
    """The major of "1.0"; -1 when it is none."""
    head = version.partition(".")[0]
    return int(head) if head.isascii() and head.isdigit() and len(head) < 9 else -1


def encode(value: Mapping[str, Any]) -> bytes:
    """JSON in ASCII. Raises BadMessage when it is larger than a message may be or no JSON."""
    try:
        raw = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise BadMessage(f"This can't be sent as JSON: {error}.") from error
    if len(raw) > MAX_BYTES:
        raise BadMessage(f"The message has {len(raw)} bytes; {MAX_BYTES} are the most.", "Send less at a time.")
    return raw


def decode(raw: bytes) -> dict[str, Any]:
    """An object out of JSON. Raises BadMessage for too many bytes, too deep a nesting, NaN, or no object."""
    if len(raw) > MAX_BYTES:
        raise BadMessage(f"The message has {len(raw)} bytes; {MAX_BYTES} are the most.", "Send less at a time.")
    try:
        value = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadMessage("The message is no JSON.", str(error)[:200]) from error
    if not isinstance(value, dict):
        raise BadMessage("The message is no JSON object.")
    if _deeper_than(value, MAX_DEPTH):
        raise BadMessage(f"The message is nested deeper than {MAX_DEPTH}.")
    return value


def pack(header: Header, body: Mapping[str, Any]) -> list[bytes]:
    """The two frames of a request or reply. Raises BadMessage."""
    return [encode(codec.write(header)), encode(body)]


def unpack(frames: Sequence[bytes]) -> Message:
    """Read the two frames of a request or reply. Raises BadMessage."""
    if len(frames) != 2:
        raise BadMessage(f"A message has two frames, not {len(frames)}.")
    return Message(Header.from_json(decode(frames[0])), decode(frames[1]))


def header(kind: str, *, id: str = "", re: str = "", session: str = "", engine_id: str = "") -> Header:
    """A header of this protocol's version, stamped now."""
    return Header(PROTOCOL, id, re, kind, session, engine_id, time.time())


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _deeper_than(value: Any, depth: int) -> bool:
    level: list[Any] = [value]
    for _ in range(depth):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
