"""What this engine gives to other computers: an address, a key pair that stays, and the guests that may use it.

<state>/run/share.json   0600: missing when the engine is for this computer alone
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import zmq

from restrip.errors import BadInput
from restrip.jobs import files
from restrip.jobs.remote import DEFAULT_PORT, BadAddress, split_address
from restrip.link.discovery import check_private

_NAME = re.compile(r"[\w][\w .-]{0,59}")


class BadName(BadInput):
    """A guest's name that can't be one."""

    code = "bad-name"

    def __init__(self, given: str) -> None:
        super().__init__(f"{given[:80]!r} can't name a computer.", "Use up to 60 letters, digits, spaces, '.' or '-'.")


class NotShared(BadInput):
    """A guest was to be let in, and the engine is for this computer alone."""

    code = "not-shared"

    def __init__(self) -> None:
        super().__init__("This engine isn't shared.", "Share it first: restrip link --share")


class CannotListen(BadInput):
    """The address can't be listened at."""

    code = "cannot-listen"

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"The engine can't listen at {address}: {why}.", "Give an address of this computer and a port that is free."
        )


@dataclass(frozen=True)
class Share:
    """The content of share.json. `guests` are public keys by name; all keys are Z85 texts of 40 characters."""

    host: str
    port: int
    server_key: str
    server_secret: str = field(repr=False)
    guests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, listen: str, before: Share | None = None) -> Share:
        """Listen at "address" or "address:port" (port 0: any that is free), with the keys and guests of `before`.

        Raises BadAddress.
        """
        head, colon, tail = listen.strip().rpartition(":")
        host, port = (head, 0) if colon and tail == "0" else split_address(listen)
        if not host:
            raise BadAddress(listen)
        if before is not None:
            return replace(before, host=host, port=port)
        public, secret = zmq.curve_keypair()
        return cls(host, port, public.decode(), secret.decode())

    def with_guest(self, name: str, key: str) -> Share:
        """Let a computer in by its public key. Raises BadName."""
        if not _NAME.fullmatch(name):
            raise BadName(name)
        return replace(self, guests={**self.guests, name: key})

    def without_guest(self, name: str) -> Share:
        """Let it in no longer. Raises BadName for one that isn't known."""
        if name not in self.guests:
            raise BadName(name)
        return replace(self, guests={other: key for other, key in self.guests.items() if other != name})

    def guest(self, key: bytes) -> str:
        """The name of the guest with this public key; "" for a stranger's."""
        return next((name for name, known in self.guests.items() if known.encode() == key), "")

    @property
    def address(self) -> str:
        """ "host:port", where it listens."""
        return f"{self.host}:{self.port}"

    @classmethod
    def load(cls, folder: Path) -> Share | None:
        """What share.json says; None when the engine isn't shared or the file can't be read. Raises UnsafeFolder."""
        path = folder / "share.json"
        if not path.exists():
            return None
        check_private(path)
        body = files.read_json(path) or {}
        try:
            guests = {str(name): str(key) for name, key in body["guests"].items()}
            keys = str(body["server_key"]), str(body["server_secret"])
            return cls(str(body["host"]), int(body["port"]), *keys, guests)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def save(self, folder: Path) -> None:
        """Write share.json."""
        files.write_json(folder / "share.json", asdict(self))


def stop_sharing(folder: Path) -> None:
    """Forget keys and guests."""
    (folder / "share.json").unlink(missing_ok=True)


__all__ = ["DEFAULT_PORT", "BadName", "CannotListen", "NotShared", "Share", "stop_sharing"]
