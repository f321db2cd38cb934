"""Why a movie can't be opened, as far as its bytes tell."""

from __future__ import annotations

import os

from av.error import InvalidDataError

from restrip.media.av.tags import words
from restrip.media.files import MediaUnreadable


def unreadable(path: str, error: Exception) -> MediaUnreadable:
    """The error that says what the user can do: a file that ends too soon is the usual reason."""
    if _cut_off(path):
        return MediaUnreadable(path, "it is cut off, and its index with it", "Copy or download it again, whole.")
    if isinstance(error, InvalidDataError):
        return MediaUnreadable(path, "it is no movie, or a damaged one")
    return MediaUnreadable(path, words(error))


def _cut_off(path: str) -> bool:
    """Whether an MP4 or MOV ends inside one of its boxes or has no index (ISO 14496-12, section 4.2)."""
    size = os.path.getsize(path)
    kinds: set[bytes] = set()
    with open(path, "rb") as file:
        place = 0
        while place + 8 <= size and len(kinds) < 64:
            file.seek(place)
            length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
            if not kinds and kind not in (b"ftyp", b"wide", b"mdat", b"moov", b"free", b"skip"):
                return False
            kinds.add(kind)
            if length == 1:
                length = int.from_bytes(file.read(8), "big")
            if length < 8:
                break
            place += length
    return b"mdat" in kinds and (place > size or b"moov" not in kinds)
