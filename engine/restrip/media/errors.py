"""Exceptions without a code raised while a file was read: they become that file's error, and the worker goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from av.error import FFmpegError

from restrip.errors import RestripError
from restrip.media.files import MediaUnreadable

REMEDY = (
    "Convert it with another program, to MP4 (H.264) or to PNG pictures. 'restrip engine log' has the lines: a report "
    "with them helps to read such files."
)


@contextmanager
def of_file(path: str) -> Iterator[None]:
    """Turn whatever a library raises while it reads `path` into MediaUnreadable.

    Memory that runs out is the machine's, and an error of the system's with a number is the disk's: both pass.
    """
    try:
        yield
    except (RestripError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None and not isinstance(error, FFmpegError):
            raise
        raise _unforeseen(path, error) from error
    except Exception as error:
        raise _unforeseen(path, error) from error


def _unforeseen(path: str, error: Exception) -> MediaUnreadable:
    logging.getLogger(__name__).warning("a file can't be read", exc_info=error)
    why = f"{type(error).__name__}: {error}".rstrip(".: ")[:200]
    return MediaUnreadable(path, f"something in it is unknown to Restrip ({why})", REMEDY)
