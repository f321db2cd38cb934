"""The pictures in a look file: PNG of full depth, small JPEGs, and back to frames within bounds."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from restrip.errors import BadInput
from restrip.looks.look_file.archive import FRAME, PICTURE, LookArchive
from restrip.looks.look_file.given_anchor import GivenAnchor, covering
from restrip.looks.look_file.record import LookFileUnreadable
from restrip.looks.look_file.shelf import find_look, name_of
from restrip.media import fit_picture, read_picture
from restrip.media.frame import Frame
from restrip.media.pictures.picture import as_png
from restrip.storage import json_files

MOST_PIXELS = 64 * 10**6
THUMBNAIL_PX = (240, 135)
"""As the built-in looks' are."""


def read_anchor(name: str) -> GivenAnchor:
    """The anchor that a look file brings, by the look's name or path.

    Raises UnknownLookFile, LookFileUnreadable, LookFileTooNew, MediaMissing, MediaUnreadable.
    """
    path = find_look(name)
    with LookArchive(path) as archive:
        used = archive.record.anchor
        frame, picture = (
            _picture(archive, part, sha256, used.size)
            for part, sha256 in ((FRAME, used.frame_sha256), (PICTURE, used.picture_sha256))
        )
        digest = json_files.digest([used.frame_sha256, used.picture_sha256, used.prompt or "", used.seed])
        return GivenAnchor(frame, picture, used.prompt, used.seed, digest, name_of(path))


def png_of(frame: Frame) -> bytes:
    """A frame as PNG, 8 or 16 bit as it is, without alpha: equal frames give equal bytes."""
    return as_png(Frame(frame.rgb))


def thumbnail_of(picture: Frame) -> bytes:
    """A picture's middle in the shape of THUMBNAIL_PX as a JPEG of that size."""
    small = fit_picture(covering(picture, THUMBNAIL_PX), THUMBNAIL_PX).rgb8()
    done, raw = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return raw.tobytes()


def _picture(archive: LookArchive, name: str, sha256: str, size: tuple[int, int]) -> Frame:
    """A PNG of the archive as a frame, held to the size that the description names before it is decoded."""
    content = archive.part(name, sha256)
    if _png_size(content) != size or not 0 < size[0] * size[1] <= MOST_PIXELS:
        raise LookFileUnreadable(archive.path, f"{name} is no picture of {size[0]}x{size[1]}")
    descriptor, aside = tempfile.mkstemp(suffix=".png")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return read_picture(Path(aside))
    except BadInput as error:
        raise LookFileUnreadable(archive.path, f"{name} is no picture") from error
    finally:
        with suppress(OSError):
            os.unlink(aside)


def _png_size(content: bytes) -> tuple[int, int] | None:
    """(width, height) that a PNG's header names; None for another file."""
    if len(content) < 24 or not content.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
