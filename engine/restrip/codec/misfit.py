"""What is wrong with JSON: the field, what was found there, and what would fit."""

from __future__ import annotations

from typing import Any


class Misfit(ValueError):
    """A value in JSON that its field can't have. `path` leads to it, such as "source.length" or "keys[2].frame"."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"{path or 'it'} {problem}")
        self.problem, self.path = problem, path

    def under(self, name: str) -> Misfit:
        """The same, seen from what holds the value as `name`; an item of a list is "[2]"."""
        inner = self.path if not self.path or self.path.startswith("[") else f".{self.path}"
        return Misfit(self.problem, f"{name[:80]}{inner}")


def said(value: Any) -> str:
    """A value in a message, of 80 characters at most: numbers of thousands of digits can't be written out."""
    if isinstance(value, int) and abs(value) > 2**63:
        return "a number that is too large"
    return repr(value)[:80] if value is None or isinstance(value, int | float | str) else f"a {type(value).__name__}"
