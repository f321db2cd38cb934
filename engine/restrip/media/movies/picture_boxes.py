"""What a finished MP4 or MOV says of its pictures beyond what the encoder knows: boxes of their description.

    clli    MaxCLL and MaxFALL (ISO/IEC 14496-12, 12.1.6)         mdcv    the mastering display (12.1.7)
    dvcC, dvvC, dvwC    Dolby Vision's record, which is read only

PyAV gives an encoder no side data, and the levels are known when the last picture is written. So the boxes are put
into the file's end: moov lies behind the pictures there, and none of their places changes.

    ftyp  mdat ...  moov > trak > mdia > minf > stbl > stsd > hvc1 > [hvcC colr ... clli mdcv]
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from restrip.media.movies.dolby_vision import RECORDS
from restrip.media.movies.light_levels import LightLevels
from restrip.media.movies.mastering_display import MasteringDisplay

PATH = (b"trak", b"mdia", b"minf", b"stbl", b"stsd")
STSD_HEAD, ENTRY_HEAD = 8, 78
"""Bytes of a stsd before its entries, and of a picture's entry before its boxes."""
SIZES = struct.Struct(">I4s")
VALUES = struct.Struct(">HH")

Span = tuple[int, int]
"""Where a box begins and ends."""


def read_levels(path: str | os.PathLike[str]) -> LightLevels | None:
    """A movie's; None where it says none."""
    content = _read(path, b"clli")
    return None if content is None or len(content) != VALUES.size else LightLevels(*VALUES.unpack(content))


def write_levels(path: str | os.PathLike[str], levels: LightLevels) -> None:
    """Have a movie say them. One whose moov isn't at its end, or that has none, stays as it is."""
    _write(path, b"clli", VALUES.pack(levels.max_cll, levels.max_fall))


def read_display(path: str | os.PathLike[str]) -> MasteringDisplay | None:
    """The display that a movie was graded on; None where it says none."""
    content = _read(path, b"mdcv")
    return None if content is None else MasteringDisplay.of_box(content)


def write_display(path: str | os.PathLike[str], display: MasteringDisplay) -> None:
    """Have a movie say it, where `write_levels` would."""
    _write(path, b"mdcv", display.box())


def read_dolby_vision(path: str | os.PathLike[str], track: int = 0) -> bytes:
    """Dolby Vision's record of the track of pictures with this number in the file, counted from 0; b"" for none."""
    return _read(path, *RECORDS, track=track) or b""


def _read(path: str | os.PathLike[str], *kinds: bytes, track: int | None = None) -> bytes | None:
    """The content of a box of one of these kinds, the first that is there, in the pictures' description: of this track
    of pictures, else of the first that has it.
    """
    with open(path, "rb") as file:
        _, moov = _moov(file)
    for number, spans in enumerate(_pictures(moov)):
        if track not in (None, number):
            continue
        for kind in kinds:
            for _, (begin, end) in _boxes(moov, spans[-1][0] + SIZES.size + ENTRY_HEAD, spans[-1][1], kind):
                return bytes(moov[begin + SIZES.size : end])
    return None


def _write(path: str | os.PathLike[str], kind: bytes, content: bytes) -> None:
    with open(path, "r+b") as file:
        place, moov = _moov(file)
        if place + len(moov) != os.fstat(file.fileno()).st_size:
            return
        for spans in _pictures(moov):
            _put(moov, spans, SIZES.pack(SIZES.size + len(content), kind) + content)
            file.seek(place)
            file.write(moov)
            return


def _put(moov: bytearray, spans: tuple[Span, ...], box: bytes) -> None:
    """Put a box into the innermost of these, in the place of one of its kind and size."""
    first, end = spans[-1]
    for _, span in _boxes(moov, first + SIZES.size + ENTRY_HEAD, end, box[4:8]):
        if span[1] - span[0] == len(box):
            moov[span[0] : span[1]] = box
        return
    moov[end:end] = box
    for begin, finish in spans:
        struct.pack_into(">I", moov, begin, finish - begin + len(box))


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
