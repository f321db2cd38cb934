"""Pictures worked through a few rows at a time, so that what an operation needs beside them stays small."""

from __future__ import annotations

from collections.abc import Iterator

TEMPORARY_MIB = 512


def bands(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Half-open ranges of at most `rows` rows, all of them; one of the whole height for 0."""
    step = rows or height
    for first in range(0, height, step):
        yield first, min(first + step, height)


def rows_for(width: int, bytes_a_pixel: int) -> int:
    """So many rows that an operation which takes so many bytes a pixel stays below TEMPORARY_MIB."""
    return max(1, (TEMPORARY_MIB << 20) // (width * bytes_a_pixel))
