"""Messages between Blender and its messenger: one JSON object a line, over a pair of sockets. Never waits."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Mapping
from typing import Any

CHUNK_BYTES = 1 << 16
MOST_CHUNKS = 16
"""So much is read at a time, and no more: the rest comes with the next call."""


class Pipe:
    """One end. `closed` says that the other end is gone and everything that it sent was taken."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._coming = bytearray()
        self._going = bytearray()
        self.closed = False
        self._lock = threading.Lock()
        """The messenger's watcher puts from a thread of its own."""

    def put(self, message: Mapping[str, Any]) -> None:
        """Send a message; what the other end doesn't take yet goes with a later `put` or `take`."""
        with self._lock:
            self._going += json.dumps(message).encode() + b"\n"
            self._send()

    def take(self) -> list[dict[str, Any]]:
        """The messages that came in."""
        with self._lock:
            self._send()
        for _ in range(MOST_CHUNKS):
            try:
                got = self._end.recv(CHUNK_BYTES)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                got = b""
            if not got:
                self.closed = True
                break
            self._coming += got
        whole, newline, rest = self._coming.rpartition(b"\n")
        if not newline:
            return []
        self._coming = rest
        return [json.loads(line) for line in whole.split(b"\n")]

    def wait(self, seconds: float) -> None:
        """Until something comes in, at most so long."""
        select.select([self._end], [self._end] if self._going else [], [], seconds)

    def close(self) -> None:
        """Leave; the other end sees it."""
        self._end.close()

    def _send(self) -> None:
        while self._going:
            try:
                sent = self._end.send(self._going[:CHUNK_BYTES])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._going.clear()  # The other end is gone: `take` says so.
                return
            del self._going[:sent]
