"""Whether a picture's file is written to its end, as far as its own format says so.

PNG, JPEG, KRA, ORA    an end mark                        WebP, BMP, AVIF, HEIC    their length, in the head
PSD          the lengths of its sections        TIFF                     where its directory lies

Nothing is decoded: what looks whole and isn't, the engine finds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

TAIL_BYTES = 1 << 16
HEAD_BYTES = 16
LEAST_BYTES = 8
"""No format has a picture in fewer."""


def is_whole(path: str) -> bool:
    """Whether it can be read and nothing of it is missing. One that another program holds closed isn't yet."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            head = file.read(HEAD_BYTES)
            check = next((check for begins, check in _CHECKS if begins(head)), None)
            return size >= LEAST_BYTES and (check is None or check(file, head, size))
    except OSError:
        return False


def _ends(mark: bytes) -> Callable[[BinaryIO, bytes, int], bool]:
    """A format that ends with a mark; some programs write a little behind it."""

    def check(file: BinaryIO, head: bytes, size: int) -> bool:
        file.seek(max(0, size - TAIL_BYTES))
        return mark in file.read()

    return check


def _length(at: int, order: str, more: int) -> Callable[[BinaryIO, bytes, int], bool]:
    """A format whose head says how long the file is, `more` bytes left out."""

    def check(file: BinaryIO, head: bytes, size: int) -> bool:
        return size >= int.from_bytes(head[at : at + 4], order) + more  # type: ignore[arg-type]

    return check


def _tiff(file: BinaryIO, head: bytes, size: int) -> bool:
    """Its first directory is written last: until then the head has no place for it, or one behind the end."""
    order = "little" if head[:2] == b"II" else "big"
    big = int.from_bytes(head[2:4], order) == 43  # type: ignore[arg-type]
    place = int.from_bytes(head[8:16] if big else head[4:8], order)  # type: ignore[arg-type]
    return 8 <= place <= size - 2


def _psd(file: BinaryIO, head: bytes, size: int) -> bool:
    """Three sections with their lengths in front, then the flattened picture."""
    wide = int.from_bytes(head[4:6], "big") == 2  # A large document: the layers' length has eight bytes.
    place = 26
    for length_bytes in (4, 4, 8 if wide else 4):
        file.seek(place)
        length = file.read(length_bytes)
        place += length_bytes + int.from_bytes(length, "big")
        if len(length) < length_bytes or place > size:
            return False
    return place + 2 < size


def _boxes(file: BinaryIO, head: bytes, size: int) -> bool:
    """Boxes with their lengths in front, up to the end of the file (ISO 14496-12, section 4.2)."""
    place = 0
    while place < size:
        file.seek(place)
        start = file.read(16)
        if len(start) < 8:
            return False
        length = int.from_bytes(start[:4], "big")
        if length == 1:
            length = int.from_bytes(start[8:16], "big")
        if length == 0:  # Up to the end, wherever that is.
            return True
        if length < 8:
            return False
        place += length
    return place == size


_CHECKS: tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, bytes, int], bool]], ...] = (
    (lambda head: head.startswith(b"\x89PNG"), _ends(b"IEND\xaeB`\x82")),
    (lambda head: head.startswith(b"\xff\xd8"), _ends(b"\xff\xd9")),
    (lambda head: head.startswith(b"RIFF"), _length(4, "little", 8)),
    (lambda head: head.startswith(b"BM"), _length(2, "little", 0)),
    (lambda head: head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
    (lambda head: head.startswith(b"8BPS"), _psd),
    (lambda head: head.startswith(b"PK\3\4"), _ends(b"PK\5\6")),
    (lambda head: head[4:8] == b"ftyp", _boxes),
)
