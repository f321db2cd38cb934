"""Texts that users name: read whole, within bounds."""

from __future__ import annotations

import json
import os
from typing import Any

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


def read_json(path: str | os.PathLike[str]) -> Any:
    """What a file says as JSON. Raises OSError, and ValueError with words."""
    return json_of(read_text(path))


def json_of(text: str) -> Any:
    """What a text says as JSON. Raises ValueError with words: where it isn't JSON, or that it is nested too deeply."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON from line {error.lineno}, column {error.colno} on") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def words(error: OSError | ValueError) -> str:
    """What the system or a reader says of a failure, to stand in a sentence."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
