"""The link to another engine on this computer's disk, and what both ends show of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from restrip.client import session
from restrip.client.client import EngineUnreachable
from restrip.client.discovery import UnsafeFolder
from restrip.client.messages import Message, header
from restrip.remote.peer import (
    DEFAULT_PORT,
    BadAddress,
    BadKey,
    Remote,
    RemoteClient,
    RemoteUnreachable,
    fingerprint,
    from_hex,
    link,
    linked,
    split_address,
    to_hex,
    unlink,
)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir(mode=0o700)
    return tmp_path


def server_key() -> str:
    return to_hex(zmq.curve_keypair()[0].decode())


def test_a_link_is_kept_and_taken_back(state: Path) -> None:
    assert linked(state) is None
    remote = Remote.new("tower", server_key(), shared_folders=False)
    link(state, remote)
    assert linked(state) == remote
    assert (state / "run" / "link.json").stat().st_mode & 0o077 == 0
    assert remote.secret not in repr(remote)
    unlink(state)
    assert linked(state) is None
    unlink(state)


def test_a_link_that_others_can_read_is_refused(state: Path) -> None:
    link(state, Remote.new("tower", server_key()))
    (state / "run" / "link.json").chmod(0o644)
    with pytest.raises(UnsafeFolder):
        linked(state)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"host": "x"}', '{"host": "a b", "port": 1}'])
def test_a_damaged_link_is_none(state: Path, content: str) -> None:
    path = state / "run" / "link.json"
    path.touch(mode=0o600)
    path.write_text(content)
    assert linked(state) is None


def test_linking_again_keeps_the_key_that_is_known_there() -> None:
    key = server_key()
    first, moved = Remote.new("tower", key), Remote.new("10.0.0.7:5000", key)
    assert moved.public != first.public
    kept = moved.with_key_of(first)
    assert (kept.public, kept.host, kept.port) == (first.public, "10.0.0.7", 5000)
    other = Remote.new("tower", server_key())
    assert other.with_key_of(first) == other


def test_fingerprints_name_both_ends() -> None:
    remote = Remote.new("tower", server_key())
    assert fingerprint(remote.server_key, remote.public) == remote.fingerprint
    assert len(remote.fingerprint) == 19
    others = {replace(remote, public=zmq.curve_keypair()[0].decode()).fingerprint for _ in range(20)}
    assert len(others | {remote.fingerprint}) == 21


def test_addresses_and_keys() -> None:
    assert split_address("tower") == ("tower", DEFAULT_PORT)
    assert split_address(" tower.local:80 ") == ("tower.local", 80)
    for bad in ("", ":80", "a b", "host:", "host:x", "host:0", "host:65536", "tcp://host", "host:80:90", "-x"):
        with pytest.raises(BadAddress):
            split_address(bad)
    key = server_key()
    assert to_hex(from_hex(f" {key.upper()} ")) == key
    for bad in ("", key[:-1], key + "0", "g" * 64):
        with pytest.raises(BadKey):
            from_hex(bad)


class Wire:
    """A connection to an engine that answers until it dies; the time that all this takes is counted."""

    now = 0.0
    dies = ""
    heard = False

    def __init__(self, connection: Any) -> None:
        self.connection, self._asked = connection, ""

    def send(self, mine: Any, body: Any) -> bool:
        if Wire.dies == "gone":
            Wire.now += 0.3
            return False
        if Wire.dies == "silent" and mine.type == "hello":  # No handshake with a process that stands still.
            Wire.now += 0.3
            return False
        self._asked = mine.id
        return True

    def receive(self, timeout_s: float) -> Message | None:
        if not Wire.dies:
            self.heard = True
            return Message(header("reply", re=self._asked), {"ok": True})
        self.heard = False
        Wire.now += timeout_s
        return None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("how", ["gone", "silent"])
def test_an_engine_that_dies_is_noticed_within_15_s(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Clock:
        @staticmethod
        def monotonic() -> float:
            return Wire.now

        time = monotonic

        @staticmethod
        def sleep(seconds: float) -> None:
            Wire.now += seconds

    monkeypatch.setattr(session, "time", Clock)
    monkeypatch.setattr(session, "Wire", Wire)
    monkeypatch.setattr(Wire, "now", 0.0)
    monkeypatch.setattr(Wire, "dies", "")
    client = RemoteClient(Remote.new("tower", server_key()))
    assert client.request("results", {}, timeout_s=600) == {"ok": True}
    Wire.dies = how
    with pytest.raises((RemoteUnreachable, EngineUnreachable)):
        client.request("results", {}, timeout_s=600)
    assert Wire.now < 12
