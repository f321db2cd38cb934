"""Which files are single pictures, by the endings of their names, and the pictures of a folder in their order."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

PICTURE_ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".exr", ".bmp", ".webp", ".avif"}
    | {".heic", ".heif", ".hif", ".jp2", ".ppm", ".pgm", ".tga", ".dpx", ".psd", ".psb", ".kra", ".ora"}
)
"""Lower case, with the dot. A GIF is a movie; a PNG, WebP or AVIF that moves is told by what is in it."""


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that it is a single picture and not a movie."""
    return os.path.splitext(os.fspath(path))[1].lower() in PICTURE_ENDINGS


def is_hidden(path: Path) -> bool:
    """Whether file managers hide a file: its name begins with a dot (._name is macOS's), or Windows marks it so.

    So is one that is gone: programs make and delete files of their own while a folder is listed.
    """
    if path.name.startswith("."):
        return True
    try:
        marks = getattr(os.lstat(path), "st_file_attributes", 0)
    except FileNotFoundError:
        return True
    return bool(marks & stat.FILE_ATTRIBUTE_HIDDEN)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts names as file managers show them: numbers by value, letters without regard to case.

    frame2 comes before frame10; of equal numbers the one with more zeros before it comes first.
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return (
        *((0, int(part), "") if part[0] in "0123456789" else (1, 0, part.casefold()) for part in parts),
        (-1, 0, ""),
        (0, 0, name),
    )


def files_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The files of a folder that aren't hidden, in natural order. Raises OSError."""
    found = [path for path in Path(folder).iterdir() if not is_hidden(path) and path.is_file()]
    return sorted(found, key=lambda path: natural(path.name))


def pictures_in(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures of a folder in natural order; hidden files, folders and everything else are left out.

    Raises OSError.
    """
    return [path for path in files_in(folder) if is_picture(path)]
