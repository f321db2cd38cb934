"""Arrays put aside on disk: what must be walked backwards is read forwards."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import numpy.typing as npt

Array = TypeVar("Array", bound=npt.NDArray[Any])


class Spool(ABC, Generic[Array]):
    """A stack of arrays in an unnamed temporary file, all of one shape and type, which each kind of stack names.

    Use it as a context manager; the file goes when it closes, and with the process in any case.
    """

    def __init__(self, folder: str = "") -> None:
        self._file = tempfile.TemporaryFile(dir=folder or None)  # noqa: SIM115 - closed by close()
        self._ends = [0]

    @abstractmethod
    def packed(self, array: Array) -> bytes:
        """An array as it lies in the file."""

    @abstractmethod
    def unpacked(self, data: bytes) -> Array:
        """The array that `packed` made these bytes of."""

    def push(self, array: Array) -> None:
        """Put an array on top."""
        data = self.packed(array)
        self._file.seek(self._ends[-1])
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))

    def pop(self) -> Array:
        """Take the top one off."""
        array = self.peek()
        self._ends.pop()
        return array

    def peek(self) -> Array:
        """The top one."""
        self._file.seek(self._ends[-2])
        return self.unpacked(self._file.read(self._ends[-1] - self._ends[-2]))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def close(self) -> None:
        """Drop the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
