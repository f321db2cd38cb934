"""The other end of entry.py: actions that run outside of Resolve and call it through a pipe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, cast

from restrip.errors import RestripError
from restrip_resolve.actions.context import Context
from restrip_resolve.api import Resolve
from restrip_resolve.console import Console
from restrip_resolve.menu import run


class CallFailed(RestripError):
    """A call that raised inside Resolve's Python, or a pipe that broke."""

    code = "call-failed"

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"Resolve's {name} failed: {what}.", "Close open dialogs in Resolve and try again.")


class Wire:
    """One request at a time, a line of JSON each way."""

    def __init__(self, replies: BinaryIO, requests: BinaryIO) -> None:
        self._replies = replies
        self._requests = requests
        self._known: dict[tuple[int, str], bool] = {}

    def say(self, text: str) -> None:
        """Print in Resolve's console."""
        self._send(["say", text])

    def end(self, well: bool) -> None:
        """Say how it ended."""
        self._send(["end", well])

    def has(self, number: int, name: str) -> bool:
        """Whether an object has a method; asked once."""
        if (number, name) not in self._known:
            self._known[number, name] = bool(self._ask(["has", number, name], name))
        return self._known[number, name]

    def call(self, number: int, name: str, arguments: Sequence[Any]) -> Any:
        """Call a method of an object of Resolve's. Raises CallFailed."""
        return self._ask(["call", number, name, [_encode(argument) for argument in arguments]], name)

    def _ask(self, message: list[Any], name: str) -> Any:
        self._send(message)
        line = self._replies.readline()
        if not line:
            raise CallFailed(name, "Resolve is gone")
        kind, value = json.loads(line)
        if kind == "raised":
            raise CallFailed(name, value)
        return self._decode(value)

    def _send(self, message: list[Any]) -> None:
        self._requests.write(json.dumps(message).encode("ascii") + b"\n")
        self._requests.flush()

    def _decode(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if "object" in value:
            return Remote(self, value["object"])
        if "list" in value:
            return [self._decode(part) for part in value["list"]]
        return {self._decode(key): self._decode(part) for key, part in value["dict"]}


class Remote:
    """An object of Resolve's: its methods are called through the wire, and a missing one reads as None, as there."""

    def __init__(self, wire: Wire, number: int) -> None:
        self._wire = wire
        self._number = number

    def __getattr__(self, name: str) -> Callable[..., Any] | None:
        if name.startswith("_"):
            raise AttributeError(name)
        if not self._wire.has(self._number, name):
            return None
        return lambda *arguments: self._wire.call(self._number, name, arguments)


def _encode(value: Any) -> Any:
    if isinstance(value, Remote):
        return {"object": value._number}
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | Mapping):
        return value
    if isinstance(value, Mapping):
        return {"dict": [[_encode(key), _encode(part)] for key, part in value.items()]}
    return {"list": [_encode(part) for part in value]}


def main(action: str) -> None:
    """Run an action for the Resolve at the other end of standard input and output; "ping" only says hello."""
    wire = Wire(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout = sys.stderr  # A stray print must not get between the messages.
    well = True
    if action != "ping":
        well = run(action, Context(cast(Resolve, Remote(wire, 0)), Console(wire.say)))
    wire.end(well)
