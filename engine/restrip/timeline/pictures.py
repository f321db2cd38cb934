"""Which files are single pictures, by the endings of their names: the one list for every part and front-end."""

from __future__ import annotations

import os

PICTURE_ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".bmp", ".webp", ".jp2", ".ppm", ".pgm", ".tga", ".dpx"}
)
"""Lower case, with the dot. What moves (GIF, animated PNG) is read as a movie."""


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that it is a single picture and not a movie."""
    return os.path.splitext(os.fspath(path))[1].lower() in PICTURE_ENDINGS
