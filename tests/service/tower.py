"""One real engine that is shared, and guests of it that do whatever a test wants."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from restrip.client.client import Client, connect
from restrip.client.discovery import state_dir
from restrip.errors import RemoteError
from restrip.remote.peer import Remote, RemoteClient, to_hex


class Tower:
    """The engine `owner` is a front-end of; `guest` lets another computer in."""

    def __init__(self, owner: Client) -> None:
        self.owner = owner
        self.folder = state_dir()
        self.shared = owner.request("share", {"listen": "127.0.0.1:0"})["share"]
        self._open: list[RemoteClient] = []

    def remote(self) -> Remote:
        """A computer with a key of its own, which isn't let in."""
        return Remote.new(self.shared["address"], self.shared["key"])

    def allow(self, name: str, remote: Remote) -> dict[str, Any]:
        return self.owner.request("allow", {"name": name, "key": to_hex(remote.public)})

    def guest(self, name: str) -> RemoteClient:
        """A computer that is let in under a name, connected."""
        remote = self.remote()
        self.allow(name, remote)
        return self.client(remote)

    def client(self, remote: Remote) -> RemoteClient:
        """One more connection of a computer's."""
        self._open.append(RemoteClient(remote))
        return self._open[-1]

    def end(self) -> None:
        for client in self._open:
            client.close()


@pytest.fixture
def tower(engine: None) -> Iterator[Tower]:
    with connect("owner") as owner:
        made = Tower(owner)
        yield made
        made.end()


def offered(name: str, content: bytes, **more: Any) -> dict[str, Any]:
    """A file as it is offered, with what a liar would say in `more`."""
    sha256 = hashlib.sha256(content).hexdigest()
    return {"group": sha256, "name": name, "size": len(content), "sha256": sha256, **more}


def put(guest: Client, offer: dict[str, Any], content: bytes, offset: int = 0) -> dict[str, Any]:
    """A piece of a file, without asking whether there is room."""
    return guest.request("put", {**offer, "offset": offset, "data": base64.b64encode(content).decode()})


def send(guest: Client, name: str, content: bytes, **more: Any) -> str:
    """A whole small file; its path there."""
    offer = offered(name, content, **more)
    assert guest.request("offer", offer)["path"] == ""
    put(guest, offer, content)
    return str(guest.request("keep", offer)["path"])


def code_of(client: Client, kind: str, body: dict[str, Any]) -> str:
    """What a request is refused with."""
    with pytest.raises(RemoteError) as caught:
        client.request(kind, body)
    return caught.value.code
