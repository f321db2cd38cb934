"""An engine on another computer: who it is, how it is reached, and the key pair that it knows this computer by.

<state>/run/link.json   0600: the engine that this computer's jobs go to; missing when they stay here
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from restrip import codec
from restrip.client.client import Client
from restrip.client.discovery import Connection, check_private
from restrip.client.wire import Wire
from restrip.errors import BadInput, RestripError
from restrip.storage import json_files

DEFAULT_PORT = 47470
"""Where a shared engine takes requests."""

_KEY = re.compile(r"[0-9a-f]{64}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,252})")


class BadAddress(BadInput):
    """A computer's address that can't be one."""

    code = "bad-address"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given[:80]!r} is no address of a computer.", "Give a name or an IPv4 address, with :PORT if need be."
        )


class BadKey(BadInput):
    """Something else than a key where a key was asked for."""

    code = "bad-key"

    def __init__(self) -> None:
        super().__init__(
            "That is no key: a key has 64 digits and letters from a to f.", "Copy it whole from the other computer."
        )


@dataclass(frozen=True)
class Remote:
    """The content of link.json. Keys are Z85 texts of 40 characters, as ZeroMQ takes them.

    `shared_folders` says that a file that is found there under the same path, with the same size and content at both
    ends, is taken for the same; otherwise all files are sent.
    """

    host: str
    port: int
    server_key: str
    public: str
    secret: str = field(repr=False)
    shared_folders: bool = True

    @classmethod
    def new(cls, address: str, server_key: str, *, shared_folders: bool = True) -> Remote:
        """An engine at "host" or "host:port", with a new key pair. `server_key` is in hexadecimal digits.

        Raises BadAddress, BadKey.
        """
        host, port = split_address(address)
        public, secret = zmq.curve_keypair()
        return cls(host, port, from_hex(server_key), public.decode(), secret.decode(), shared_folders)

    def with_key_of(self, before: Remote | None) -> Remote:
        """This, with the key pair of `before` when that was the same engine: it knows this computer already."""
        if before is None or before.server_key != self.server_key:
            return self
        return replace(self, public=before.public, secret=before.secret)

    @property
    def connection(self) -> Connection:
        """As a front-end would find it in engine.json; the engine's id and process are not known from here."""
        return Connection(
            engine_id="",
            requests=f"tcp://{self.host}:{self.port}",
            server_key=self.server_key,
            client_public=self.public,
            client_secret=self.secret,
        )

    @property
    def fingerprint(self) -> str:
        """What both computers show of the link."""
        return fingerprint(self.server_key, self.public)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Remote:
        """Read link.json; unknown fields are ignored. Raises Misfit, BadAddress."""
        made = codec.read(cls, body)
        split_address(made.host)
        return made


class RemoteUnreachable(RestripError):
    """The engine on the other computer doesn't answer, or doesn't know this one."""

    code = "remote-unreachable"

    def __init__(self, host: str) -> None:
        super().__init__(
            f"The engine on {host} doesn't answer.",
            "See there that it runs (restrip engine start) and knows this computer (restrip link --allow), then resume "
            "the job; or work on this computer with: restrip link --off",
            host=host,
        )


class RemoteClient(Client):
    """A client of the engine elsewhere. It is never started from here, and sends no events.

    One that dies is noticed by silence alone: with these bounds within 15 s.
    """

    patience_s = 2.0
    reach_s = 3.0

    def __init__(self, remote: Remote) -> None:
        super().__init__(f"engine on {socket.gethostname()}"[:100], "", False)
        self._remote = remote

    def _find(self) -> Connection:
        return self._remote.connection

    def _lives(self, connection: Connection) -> bool:
        return True  # Its process can't be seen from here: only silence tells.

    def _reconnect(self, pause_s: float) -> Wire:
        self.patience_s = 0.0  # It was silent for long enough.
        return super()._reconnect(pause_s)

    def _nobody(self) -> RestripError:
        return RemoteUnreachable(self._remote.host)


def linked(state_dir: Path) -> Remote | None:
    """The engine elsewhere that jobs go to; None when they stay on this computer. Raises UnsafeFolder."""
    path = _file(state_dir)
    if not path.exists():
        return None
    check_private(path)
    try:
        return Remote.from_json(json_files.read_json(path) or {})
    except (codec.Misfit, BadAddress):
        return None


def link(state_dir: Path, remote: Remote) -> None:
    """Have the jobs that come go to that engine."""
    json_files.write_json(_file(state_dir), codec.write(remote))


def unlink(state_dir: Path) -> None:
    """Have them stay here."""
    _file(state_dir).unlink(missing_ok=True)


def split_address(given: str) -> tuple[str, int]:
    """("host", port) of "host" or "host:port". Raises BadAddress."""
    host, colon, port = given.strip().partition(":")
    if not _HOST.fullmatch(host) or (colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536)):
        raise BadAddress(given)
    return host, int(port) if colon else DEFAULT_PORT


def to_hex(key: str) -> str:
    """A Z85 key in hexadecimal digits, which no shell takes for something else."""
    return z85.decode(key.encode()).hex()


def from_hex(key: str) -> str:
    """The Z85 text of a key in hexadecimal digits. Raises BadKey."""
    if not _KEY.fullmatch(key.strip().lower()):
        raise BadKey
    return z85.encode(bytes.fromhex(key.strip())).decode()


def fingerprint(server_key: str, client_key: str) -> str:
    """Both public keys of a link in 16 letters and digits: 80 bits of their sha256."""
    whole = hashlib.sha256(z85.decode(server_key.encode()) + z85.decode(client_key.encode())).digest()
    text = base64.b32encode(whole[:10]).decode()
    return "-".join(text[n : n + 4] for n in range(0, 16, 4))


def _file(state_dir: Path) -> Path:
    return state_dir / "run" / "link.json"
