"""What this engine gives to other computers: an address, a key pair that stays, and the guests that may use it.

<state>/run/share.json   0600: missing when the engine is for this computer alone
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import zmq

from restrip import codec
from restrip.client.discovery import check_private
from restrip.errors import BadInput
from restrip.remote.peer import DEFAULT_PORT, BadAddress, split_address, to_hex
from restrip.storage import json_files

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


class UnknownGuest(BadInput):
    """No computer is let in under this name."""

    code = "unknown-guest"

    def __init__(self, name: str) -> None:
        super().__init__(f"No computer is let in as {name[:80]!r}.", "'restrip link' lists those that are.")


class KeyKnown(BadInput):
    """A key was to be let in under a second name."""

    code = "key-known"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"That computer is let in already, as {name!r}.", f"To give it another name: restrip link --forget {name}"
        )


@dataclass(frozen=True)
class Guest:
    """A computer that is let in: its public key, and the grant that it was given when it was.

    A grant is never given twice. What a guest has, its jobs and its files, is its grant's: whoever gets the same name,
    or is let in again with the same key, has none of it.
    """

    key: str
    grant: str


def _read_guests(found: Any) -> dict[str, Guest]:
    """Out of share.json; older versions kept the key alone, and named what a guest had by the guest's name.

    Raises Misfit.
    """
    told = codec.read(dict[str, Any], found)
    told = {name: {"key": guest, "grant": name} if isinstance(guest, str) else guest for name, guest in told.items()}
    guests = codec.read(dict[str, Guest], told)
    for name, guest in guests.items():
        try:
            to_hex(guest.key)
        except ValueError:
            raise codec.Misfit(f"is {guest.key[:80]!r}, which is no key", f"{name}.key") from None
    return guests


@dataclass(frozen=True)
class Share:
    """The content of share.json. `guests` are by name; all keys are Z85 texts of 40 characters."""

    host: str
    port: int
    server_key: str
    server_secret: str = field(repr=False)
    guests: Mapping[str, Guest] = field(metadata=codec.at(read=_read_guests))

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
        return cls(host, port, public.decode(), secret.decode(), {})

    def with_guest(self, name: str, key: str) -> Share:
        """Let a computer in by its public key; who had the name before is let in no longer.

        Raises BadName, KeyKnown.
        """
        if not _NAME.fullmatch(name):
            raise BadName(name)
        other = next((known for known, guest in self.guests.items() if guest.key == key), None)
        if other == name:
            return self
        if other is not None:
            raise KeyKnown(other)
        return replace(self, guests={**self.guests, name: Guest(key, f"grant-{uuid.uuid4().hex}")})

    def without_guest(self, name: str) -> Share:
        """Let it in no longer. Raises UnknownGuest."""
        if name not in self.guests:
            raise UnknownGuest(name)
        return replace(self, guests={other: guest for other, guest in self.guests.items() if other != name})

    def grant(self, key: str) -> str:
        """The grant of the guest with this public key; "" for a stranger's."""
        return next((guest.grant for guest in self.guests.values() if guest.key == key), "")

    @property
    def grants(self) -> set[str]:
        """All grants that hold."""
        return {guest.grant for guest in self.guests.values()}

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
        body = json_files.read_json(path) or {}
        try:
            return codec.read(cls, body)
        except codec.Misfit:
            return None

    def save(self, folder: Path) -> None:
        """Write share.json."""
        json_files.write_json(folder / "share.json", codec.write(self))


def stop_sharing(folder: Path) -> None:
    """Forget keys and guests."""
    (folder / "share.json").unlink(missing_ok=True)


__all__ = [
    "DEFAULT_PORT",
    "BadName",
    "CannotListen",
    "Guest",
    "KeyKnown",
    "NotShared",
    "Share",
    "UnknownGuest",
    "stop_sharing",
]
