"""Fields put aside on disk: pieces that are walked backwards are read forwards."""

from __future__ import annotations

import tempfile
import zlib
from types import TracebackType
from typing import Self

import numpy as np

from restrip.propagate.cpu.predictors import Field


class FieldSpool:
    """A stack of fields of one size in an unnamed temporary file, packed: pieces move together, so little is left.

    Use it as a context manager; the file goes when it closes, and with the process in any case.
    """

    def __init__(self, size: tuple[int, int], folder: str = "") -> None:
        self._shape = size[1], size[0], 2
        self._file = tempfile.TemporaryFile(dir=folder or None)  # noqa: SIM115 - closed by close()
        self._ends = [0]

    def push(self, field: Field) -> None:
        """Put `field` [H, W, 2] int16 on top."""
        apart = field.copy()
        apart[:, 1:] -= field[:, :-1]  # the same numbers all over a piece
        packed = zlib.compress(apart.transpose(2, 0, 1).tobytes(), 1)
        self._file.seek(self._ends[-1])
        self._file.write(packed)
        self._ends.append(self._ends[-1] + len(packed))

    def pop(self) -> Field:
        """Take the top one off."""
        field = self.peek()
        self._ends.pop()
        return field

    def peek(self) -> Field:
        """The top one."""
        self._file.seek(self._ends[-2])
        h, w, _ = self._shape
        packed = self._file.read(self._ends[-1] - self._ends[-2])
        apart = np.frombuffer(zlib.decompress(packed), np.int16).reshape(2, h, w)
        return np.ascontiguousarray(np.cumsum(apart, 2, dtype=np.int16).transpose(1, 2, 0))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def close(self) -> None:
        """Drop the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
