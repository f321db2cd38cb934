"""Krita's documents and OpenRaster: archives whose flattened picture is a PNG of its own name."""

from __future__ import annotations

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restrip.media.files import MediaUnreadable
from restrip.media.frame import Frame
from restrip.media.pictures.photo import PhotoHeader, photo_header, read_photo, read_photo_in

ENDINGS = (".kra", ".ora")
MERGED = "mergedimage.png"
MOST_BYTES = 1 << 30
REMEDY = "Save it again, or export a PNG or TIFF."


def read_layered(path: str) -> Frame:
    """The flattened picture as it is stored. Raises MediaUnreadable."""
    with _merged(path) as picture:
        return read_photo(picture)


def read_layered_in(path: str, primaries: str = "") -> tuple[Frame, tuple[str, ...]]:
    """The flattened picture in the colours of frames with these primaries, and notes. Raises MediaUnreadable."""
    with _merged(path) as picture:
        return read_photo_in(picture, primaries)


def layered_header(path: str) -> PhotoHeader:
    """The facts of the flattened picture. Raises MediaUnreadable."""
    with _merged(path) as picture:
        return photo_header(picture)


@contextmanager
def _merged(path: str) -> Iterator[str]:
    """The flattened picture as a file for a while. Raises MediaUnreadable, about the document."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(MERGED).file_size > MOST_BYTES:
                raise MediaUnreadable(path, "its picture is too large")
            raw = archive.read(MERGED)
    except KeyError:
        raise MediaUnreadable(path, "it has no flattened picture in it", REMEDY) from None
    except (zipfile.BadZipFile, OSError, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise MediaUnreadable(path, "it is no document of Krita or OpenRaster, or a damaged one", REMEDY) from error
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, MERGED)
        picture.write_bytes(raw)
        try:
            yield str(picture)
        except MediaUnreadable:
            raise MediaUnreadable(path, "the picture in it is damaged", REMEDY) from None
