"""The display that a movie was graded on (SMPTE ST 2086), as its file says it and as results of it say it again.

FFmpeg gives it beside the first picture, wherever it was in the file; MP4 and MOV keep it in the box `mdcv` (ISO/IEC
14496-12, 12.1.7).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

CORNER_STEPS, NIT_STEPS = 50_000, 10_000
"""Steps of the box a unit of chromaticity, and a nit."""
_BOX = struct.Struct(">8H2I")
_FFMPEG = struct.Struct("=20i2i")
# FFmpeg has red, green, blue, white, each x and y, then the least and the most light; the box green, blue, red, white,
# then the most and the least.
_BOX_ORDER = (2, 3, 4, 5, 0, 1, 6, 7)


@dataclass(frozen=True)
class MasteringDisplay:
    """Chromaticities x and y of green, blue, red and white in steps of .00002, the most and the least light in
    steps of .0001 nits.
    """

    corners: tuple[int, ...]
    most: int
    least: int

    @classmethod
    def of_ffmpeg(cls, data: bytes) -> MasteringDisplay | None:
        """That of FFmpeg's AVMasteringDisplayMetadata; None for one that doesn't say both colours and light."""
        if len(data) < _FFMPEG.size:
            return None
        *numbers, has_corners, has_light = _FFMPEG.unpack_from(data)
        pairs = list(zip(numbers[::2], numbers[1::2], strict=True))
        if not has_corners or not has_light or any(under <= 0 or over < 0 for over, under in pairs):
            return None
        values = [Fraction(over, under) for over, under in pairs]
        corners = tuple(min(round(value * CORNER_STEPS), 65535) for value in values[:8])
        least, most = (min(round(value * NIT_STEPS), 2**32 - 1) for value in values[8:])
        return cls(tuple(corners[place] for place in _BOX_ORDER), most, least)

    @classmethod
    def of_box(cls, content: bytes) -> MasteringDisplay | None:
        """That of a box's content; None for another length."""
        if len(content) != _BOX.size:
            return None
        *corners, most, least = _BOX.unpack(content)
        return cls(tuple(corners), most, least)

    def box(self) -> bytes:
        """The content of the box."""
        return _BOX.pack(*self.corners, self.most, self.least)
