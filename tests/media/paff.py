"""H.264 whose pictures are coded field by field (PAFF), as broadcasts and AVCHD cameras do it; no encoder here does.

    packets   top 0 | bottom 0 | top 1 | bottom 1 | ...       25 pictures a second, 50 packets

Written by ITU-T H.264, clause 7.3, with samples as they are (I_PCM): a key picture begins each group of 12, the others
are P pictures.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from makers import numbered

WIDTH, HEIGHT, GROUP = 64, 48, 12


class Bits:
    """A sequence of bits being written."""

    def __init__(self) -> None:
        self.bits: list[int] = []

    def put(self, value: int, count: int) -> Bits:
        """A number of `count` bits."""
        self.bits += [(value >> n) & 1 for n in range(count - 1, -1, -1)]
        return self

    def ue(self, *values: int) -> Bits:
        """Numbers in Exp-Golomb code (clause 9.1)."""
        for value in values:
            count = (value + 1).bit_length()
            self.put(0, count - 1).put(value + 1, count)
        return self

    def align(self) -> Bits:
        """Zeros up to a whole byte."""
        return self.put(0, -len(self.bits) % 8)

    def raw(self, data: bytes) -> Bits:
        """Bytes."""
        self.bits += np.unpackbits(np.frombuffer(data, np.uint8)).tolist()
        return self

    def unit(self, head: int) -> bytes:
        """A NAL unit of these bits behind a start code (annex B)."""
        self.put(1, 1).align()
        data = bytearray([head])
        zeros = 0
        for byte in np.packbits(np.array(self.bits, np.uint8)).tobytes():
            if zeros >= 2 and byte <= 3:
                data.append(3)
                zeros = 0
            data.append(byte)
            zeros = 0 if byte else zeros + 1
        return b"\0\0\0\1" + bytes(data)


def parameters() -> bytes:
    """Sequence and picture parameter sets: Main profile, frames of two fields, 64x64 cropped to 64x48, 50 fields/s."""
    sps = Bits().put(77, 8).put(0, 8).put(30, 8).ue(0, 0, 2, 2).put(0, 1).ue(WIDTH // 16 - 1, 1)
    sps.put(0, 1).put(0, 1).put(1, 1)  # Not frames alone; no macroblock pairs; direct 8x8.
    sps.put(1, 1).ue(0, 0, 0, 4)
    sps.put(1, 1).put(0, 4).put(1, 1).put(1, 32).put(50, 32).put(1, 1).put(0, 3)
    sps.put(1, 1).put(1, 1).ue(0, 0, 10, 10, 0, 2)
    pps = Bits().ue(0, 0).put(0, 2).ue(0, 0, 0).put(0, 3).ue(0, 0, 0).put(1, 1).put(0, 2)
    return sps.unit(0x67) + pps.unit(0x68)


def field_of(picture: int, bottom: int) -> bytes:
    """One field of a numbered picture as a slice."""
    key = picture % GROUP == 0 and not bottom
    head = Bits().ue(0, 7 if key else 5, 0).put(picture % GROUP, 4).put(1, 1).put(bottom, 1)
    if key:
        head.ue(picture // GROUP % 2).put(0, 2)
    else:
        head.put(0, 2).put(0, 1)
    head.ue(0, 1)
    grey = np.full((64, WIDTH), 16, np.uint8)
    grey[:HEIGHT] = np.rint(16 + numbered(picture, (WIDTH, HEIGHT))[..., 0] * (219 / 255))
    rows = grey[bottom::2]
    for y in range(0, 32, 16):
        for x in range(0, WIDTH, 16):
            if not key:
                head.ue(0)
            head.ue(25 if key else 30).align().raw(rows[y : y + 16, x : x + 16].tobytes() + bytes([128]) * 128)
    return head.unit(0x65 if key else 0x41)


def field_coded(path: Path, count: int) -> None:
    """A movie of `count` numbered pictures at 25/s, a packet for each of their fields."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("h264", rate=25)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.codec_context.extradata = parameters()
        for n in range(count * 2):
            key = n % (2 * GROUP) == 0
            packet = av.Packet((parameters() if key else b"") + field_of(n // 2, n % 2))
            packet.stream, packet.time_base = stream, Fraction(1, 50)
            packet.pts = packet.dts = n
            packet.is_keyframe = key
            out.mux(packet)
