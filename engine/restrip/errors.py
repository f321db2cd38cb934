"""The base of every error that a user can meet: a code, the facts, the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class RestripError(Exception):
    """An error that knows what happened and what to do about it.

    Subclasses are named for what the user met and build the two sentences from the facts. `code` goes over the
    wire and stays the same for ever; `bad_input` says whether the request was at fault (exit code 2) or the work
    (exit code 1).
    """

    code: ClassVar[str] = "error"
    bad_input: ClassVar[bool] = False

    def __init__(self, message: str, remedy: str = "", **detail: Any) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def to_wire(self) -> dict[str, Any]:
        """The error as JSON-able facts; `from_wire` reads it back."""
        return {
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "bad_input": self.bad_input,
            "detail": self.detail,
        }


class BadInput(RestripError):
    """What was asked for can't be done as asked; nothing was started."""

    code = "bad-input"
    bad_input = True


class RemoteError(RestripError):
    """An error that happened in the engine, as it came over the wire (same code, message and remedy)."""

    def __init__(self, wire: Mapping[str, Any]) -> None:
        detail = wire.get("detail")
        super().__init__(
            str(wire.get("message", "The engine reported an error.")),
            str(wire.get("remedy", "")),
            **(detail if isinstance(detail, dict) else {}),
        )
        # Instances shadow the class attributes: the code is the sender's.
        self.code = str(wire.get("code", "error"))  # type: ignore[misc]
        self.bad_input = bool(wire.get("bad_input", False))  # type: ignore[misc]


class Cancelled(RestripError):
    """The work was cancelled; raised by a progress callback to stop the work at its next step."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("The job was cancelled.", "What was finished is kept; resume goes on from there.")
