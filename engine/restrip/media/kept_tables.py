"""Who keeps what took long to find out about a file. Loads no numerics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Keeper(Protocol):
    """Where tables that took decoding are kept, and who hears how far that is."""

    def find(self, path: str, stream: int) -> Mapping[str, Any] | None:
        """The table that was kept for a file of this content."""

    def keep(self, path: str, stream: int, table: Mapping[str, Any]) -> None:
        """Keep a table."""

    def report(self, done: int, total: int) -> None:
        """So many of the packets are decoded. May raise Cancelled."""


class Nowhere:
    """Keeps nothing and reports nothing."""

    def find(self, path: str, stream: int) -> Mapping[str, Any] | None:
        """None."""

    def keep(self, path: str, stream: int, table: Mapping[str, Any]) -> None:
        """Forget it."""

    def report(self, done: int, total: int) -> None:
        """Say nothing."""


_KEEPER: ContextVar[Keeper | None] = ContextVar("keeper", default=None)
_NOWHERE = Nowhere()


def current() -> Keeper:
    """The keeper of this moment."""
    return _KEEPER.get() or _NOWHERE


@contextmanager
def kept_by(keeper: Keeper) -> Iterator[None]:
    """While this lasts, tables that take decoding are looked for, kept and told of by `keeper`."""
    token = _KEEPER.set(keeper)
    try:
        yield
    finally:
        _KEEPER.reset(token)
