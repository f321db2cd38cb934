"""Motion put aside on disk: chains that must be walked backwards are read forwards."""

from __future__ import annotations

import tempfile
from types import TracebackType
from typing import Self

import cv2
import numpy as np

from restrip.propagate.cpu.sampling import Flow


class FlowSpool:
    """A stack of flows of one size in an unnamed temporary file, half size and 16 bit: one byte a pixel.

    Use it as a context manager; the file goes when it closes, and with the process in any case.
    """

    def __init__(self, size: tuple[int, int], folder: str = "") -> None:
        self._size = size
        self._small = (max(1, (size[0] + 1) // 2), max(1, (size[1] + 1) // 2))
        self._bytes = self._small[0] * self._small[1] * 4
        self._file = tempfile.TemporaryFile(dir=folder or None)  # noqa: SIM115 - closed by close()
        self._count = 0

    def push(self, flow: Flow) -> None:
        """Put `flow` [H, W, 2] on top."""
        small = cv2.resize(flow, self._small, interpolation=cv2.INTER_AREA).astype(np.float16)
        self._file.seek(self._count * self._bytes)
        self._file.write(small.tobytes())
        self._count += 1

    def pop(self) -> Flow:
        """Take the top one off, to the precision of 16-bit floats."""
        flow = self.peek()
        self._count -= 1
        return flow

    def peek(self) -> Flow:
        """The top one."""
        self._file.seek((self._count - 1) * self._bytes)
        w, h = self._small
        small = np.frombuffer(self._file.read(self._bytes), np.float16).reshape(h, w, 2).astype(np.float32)
        return cv2.resize(small, self._size, interpolation=cv2.INTER_LINEAR)

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Drop the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
