"""Fields put aside on disk: pieces that are walked backwards are read forwards."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from restrip.propagate.cpu.predictors import Field
from restrip.propagate.cpu.spool import Spool


class FieldSpool(Spool[Field]):
    """Fields [H, W, 2] int16 of one size (width, height), packed: pieces move together, so little is left.

    Where a pixel's place isn't beside the place of the pixel before it, a bit is set and the difference follows.
    """

    def __init__(self, size: tuple[int, int], folder: str = "") -> None:
        super().__init__(folder)
        self._size = size

    def packed(self, field: Field) -> bytes:
        """Both numbers of a place as one: what each pixel's differs by from that of the one before."""
        places = _as_one(field)
        apart = np.empty_like(places)
        apart[0] = places[0]
        np.subtract(places[1:], places[:-1], out=apart[1:])
        apart -= _BESIDE
        torn = apart != 0
        where = zlib.compress(np.packbits(torn).tobytes(), 1)
        return len(where).to_bytes(4, "little") + where + apart[torn].tobytes()

    def unpacked(self, data: bytes) -> Field:
        """To the bit."""
        w, h = self._size
        end = 4 + int.from_bytes(data[:4], "little")
        torn = np.unpackbits(np.frombuffer(zlib.decompress(data[4:end]), np.uint8), count=w * h).view(bool)
        apart = np.full(w * h, _BESIDE, np.uint32)
        apart[torn] += np.frombuffer(data[end:], np.uint32)
        return np.cumsum(apart, dtype=np.uint32).view(np.int16).reshape(h, w, 2)


_BESIDE = np.array([1, 0], np.int16).view(np.uint32)[0]
"""From one pixel's place to that of the next one on its right in the same piece."""


def _as_one(field: Field) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(field).view(np.uint32).reshape(-1)
