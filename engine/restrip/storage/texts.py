"""Texts that users name: read whole, within bounds."""

from __future__ import annotations

import os

MOST_MIB = 64


def read_text(path: str | os.PathLike[str]) -> str:
    """A file's text, UTF-8 with or without a mark at its beginning.

    Raises OSError, and ValueError with words for what is no text or far too large for one: a movie, a device.
    """
    with open(path, "rb") as file:
        content = file.read((MOST_MIB << 20) + 1)
    if len(content) > MOST_MIB << 20:
        raise ValueError(f"it is larger than {MOST_MIB} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None


def words(error: OSError | ValueError) -> str:
    """What the system or a reader says of a failure, to stand in a sentence."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
