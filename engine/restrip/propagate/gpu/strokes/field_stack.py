"""Fields put aside on the device: pieces that are walked backwards are read forwards."""

from __future__ import annotations

from torch import Tensor


class FieldStack:
    """A stack of fields [H, W, 2] int16, to the bit."""

    def __init__(self) -> None:
        self._fields: list[Tensor] = []

    def push(self, field: Tensor) -> None:
        """Put a field on top."""
        self._fields.append(field)

    def pop(self) -> Tensor:
        """Take the top one off."""
        return self._fields.pop()

    def peek(self) -> Tensor:
        """The top one."""
        return self._fields[-1]

    def __len__(self) -> int:
        return len(self._fields)
