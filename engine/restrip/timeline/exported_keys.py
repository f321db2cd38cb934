"""Exported key pictures know that nobody painted on them: a PNG that says which pixels it was exported with.

    IHDR  tEXt "Restrip" = "exported 1a2b3c4d"  IDAT ...  IEND          the number is made of the checksums of its IDATs

A program that keeps the text with other pixels makes another number of them; most write texts of their own.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEAD = struct.Struct(">I4s")
CHECKSUM_SIZE = 4
IHDR_END = len(SIGNATURE) + HEAD.size + 13 + CHECKSUM_SIZE
TEXT = b"Restrip\0exported "


def marked(png: bytes) -> bytes:
    """The bytes of a PNG with the text."""
    content = TEXT + b"%08x" % zlib.crc32(_pixel_checksums(png))
    chunk = HEAD.pack(len(content), b"tEXt") + content + struct.pack(">I", zlib.crc32(b"tEXt" + content))
    return png[:IHDR_END] + chunk + png[IHDR_END:]


def is_untouched(path: str | os.PathLike[str]) -> bool:
    """Whether a picture is a frame as it was exported. Never raises: what can't be read isn't."""
    try:
        with open(path, "rb") as file:
            said, seen = _said_and_seen(file)
    except (OSError, struct.error):
        return False
    return said is not None and said == b"%08x" % zlib.crc32(seen)


def painted_among(paths: list[Path]) -> list[Path]:
    """Those of several pictures of one key that somebody painted; all where that is none or each of them."""
    return [path for path in paths if not is_untouched(path)] or paths if len(paths) > 1 else paths


def _pixel_checksums(png: bytes) -> bytes:
    seen, place = b"", len(SIGNATURE)
    while place + HEAD.size <= len(png):
        size, kind = HEAD.unpack_from(png, place)
        place += HEAD.size + size
        if kind == b"IDAT":
            seen += png[place : place + CHECKSUM_SIZE]
        place += CHECKSUM_SIZE
    return seen


def _said_and_seen(file: BinaryIO) -> tuple[bytes | None, bytes]:
    """The number in the text, None for none, and the checksums of the pixels, which aren't read themselves."""
    said, seen = None, b""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return None, b""
    while len(head := file.read(HEAD.size)) == HEAD.size:
        size, kind = HEAD.unpack(head)
        if kind == b"tEXt" and size == len(TEXT) + 8:
            content = file.read(size)
            said = content[len(TEXT) :] if content.startswith(TEXT) else said
        elif kind == b"IDAT" and said is None:
            return None, b""  # The text comes before the pixels.
        else:
            file.seek(size, os.SEEK_CUR)
        checksum = file.read(CHECKSUM_SIZE)
        seen += checksum if kind == b"IDAT" else b""
    return said, seen
