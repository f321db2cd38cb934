"""MaxCLL and MaxFALL in a finished MP4 or MOV: the box `clli` (ISO/IEC 14496-12, 12.1.6) of its picture's description.

They are known when the last picture is written, and PyAV gives an encoder no side data. So the box is put into the
file's end: moov lies behind the pictures there, and none of their places changes.

    ftyp  mdat ...  moov > trak > mdia > minf > stbl > stsd > hvc1 > [hvcC colr ... clli]
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from restrip.media.movies.light_levels import LightLevels

PATH = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
STSD_HEAD, ENTRY_HEAD = 8, 78
"""Bytes of a stsd before its entries, and of a picture's entry before its boxes."""
CLLI_SIZE = 12
SIZES = struct.Struct(">I4s")
VALUES = struct.Struct(">HH")

Span = tuple[int, int]
"""Where a box begins and ends."""


def read_levels(path: str | os.PathLike[str]) -> LightLevels | None:
    """A movie's; None where it says none."""
    with open(path, "rb") as file:
        _, moov = _moov(file)
    for spans in _pictures(moov):
        for kind, span in _boxes(moov, spans[-1][0] + SIZES.size + ENTRY_HEAD, spans[-1][1]):
            if kind == b"clli" and span[1] - span[0] == CLLI_SIZE:
                return LightLevels(*VALUES.unpack_from(moov, span[0] + SIZES.size))
    return None


def write_levels(path: str | os.PathLike[str], levels: LightLevels) -> None:
    """Have a movie say them. One whose moov isn't at its end, or that has none, stays as it is."""
    with open(path, "r+b") as file:
        place, moov = _moov(file)
        if place + len(moov) != os.fstat(file.fileno()).st_size:
            return
        for spans in _pictures(moov):
            _put(moov, spans, levels)
            file.seek(place)
            file.write(moov)
            return


def _put(moov: bytearray, spans: tuple[Span, ...], levels: LightLevels) -> None:
    values = VALUES.pack(levels.max_cll, levels.max_fall)
    first, end = spans[-1]
    for kind, span in _boxes(moov, first + SIZES.size + ENTRY_HEAD, end):
        if kind == b"clli":
            moov[span[0] + SIZES.size : span[0] + CLLI_SIZE] = values
            return
    moov[end:end] = SIZES.pack(CLLI_SIZE, b"clli") + values
    for begin, finish in spans:
        struct.pack_into(">I", moov, begin, finish - begin + CLLI_SIZE)


def _moov(file: BinaryIO) -> tuple[int, bytearray]:
    """Where it lies, and what is in it; nothing, at the end, where there is none, or none that is whole."""
    end = os.fstat(file.fileno()).st_size
    place = 0
    while place + SIZES.size <= end:
        file.seek(place)
        size, kind = SIZES.unpack(file.read(SIZES.size))
        if size == 1:
            size = int.from_bytes(file.read(8), "big")
        if kind == b"moov":
            file.seek(place)
            moov = bytearray(file.read(size))
            return (place, moov) if len(moov) == size else (end, bytearray())
        if size < SIZES.size:
            break
        place += size
    return end, bytearray()


def _pictures(moov: bytearray) -> Iterator[tuple[Span, ...]]:
    """The spans from moov down to the entry of each track of pictures."""
    for _, track in _boxes(moov, SIZES.size, len(moov), PATH[0]):
        spans, head = [(0, len(moov)), track], SIZES.size
        for wanted in PATH[1:]:
            inner = next((span for _, span in _boxes(moov, spans[-1][0] + head, spans[-1][1], wanted)), None)
            if inner is None:
                break
            spans.append(inner)
        else:
            minf = spans[3]
            if any(_boxes(moov, minf[0] + head, minf[1], b"vmhd")):
                for _, entry in _boxes(moov, spans[-1][0] + head + STSD_HEAD, spans[-1][1]):
                    yield (*spans, entry)
                    break


def _boxes(data: bytearray, begin: int, end: int, wanted: bytes = b"") -> Iterator[tuple[bytes, Span]]:
    while begin + SIZES.size <= end:
        size, kind = SIZES.unpack_from(data, begin)
        if size < SIZES.size or begin + size > end:
            return
        if not wanted or kind == wanted:
            yield kind, (begin, begin + size)
        begin += size
