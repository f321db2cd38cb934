"""Fields put aside on disk: pieces that are walked backwards are read forwards."""

from __future__ import annotations

import zlib

import numpy as np

from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.spool import Spool


class FieldSpool(Spool[Field]):
    """Fields [H, W, 2] int16 of one size (width, height), packed: pieces move together, so little is left."""

    def __init__(self, size: tuple[int, int], folder: str = "") -> None:
        super().__init__(folder)
        self._size = size

    def packed(self, field: Field) -> bytes:
        """By what each pixel differs by from the one before: the same numbers all over a piece."""
        apart = field.copy()
        apart[:, 1:] -= field[:, :-1]
        return zlib.compress(apart.transpose(2, 0, 1).tobytes(), 1)

    def unpacked(self, data: bytes) -> Field:
        """To the bit."""
        w, h = self._size
        apart = np.frombuffer(zlib.decompress(data), np.int16).reshape(2, h, w)
        return np.ascontiguousarray(np.cumsum(apart, 2, dtype=np.int16).transpose(1, 2, 0))
