"""Motion put aside on disk: chains that must be walked backwards are read forwards."""

from __future__ import annotations

import cv2
import numpy as np

from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.cpu.spool import Spool


class FlowSpool(Spool[Flow]):
    """A stack of flows [H, W, 2] of one size (width, height), half size and 16 bit: one byte a pixel.

    They come back to the precision of 16-bit floats.
    """

    def __init__(self, size: tuple[int, int], folder: str = "") -> None:
        super().__init__(folder)
        self._size = size
        self._small = (max(1, (size[0] + 1) // 2), max(1, (size[1] + 1) // 2))

    def packed(self, flow: Flow) -> bytes:
        """At half size."""
        return cv2.resize(flow, self._small, interpolation=cv2.INTER_AREA).astype(np.float16).tobytes()

    def unpacked(self, data: bytes) -> Flow:
        """At the size that it had."""
        w, h = self._small
        small = np.frombuffer(data, np.float16).reshape(h, w, 2).astype(np.float32)
        return cv2.resize(small, self._size, interpolation=cv2.INTER_LINEAR)
