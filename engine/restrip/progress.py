"""How work says how far it is: a callback with plain values, the same everywhere."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Called by work after each step; raises `Cancelled` to stop it there."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` steps of the current phase are finished; `note` is a sentence to keep in the manifest."""


def silent(done: int, total: int, note: str = "") -> None:
    """A report that goes nowhere."""
