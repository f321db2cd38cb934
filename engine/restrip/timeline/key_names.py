"""How pictures of painted keys are named: the digits that end a picture's name are its frame.

key_00045.png   45          shot2_090.tif   90          ~key_00045.png, .key_00045.png   none: a program's own
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from restrip.timeline.exported_keys import painted_among
from restrip.timeline.picture_files import files_in, is_picture

TEMPORARY = ("~", ".")
"""What the names begin with that programs give to files which they are about to rename or delete."""


DOCUMENTS = (".psd", ".psb", ".kra", ".ora")
"""What painting programs work in: where a picture was exported from one beside it, that picture is the key."""


def may_be_key(path: str | os.PathLike[str]) -> bool:
    """Whether the name says that it is a picture: as a key a GIF is one, too, though as a clip it is a movie."""
    return is_picture(path) or os.path.splitext(os.fspath(path))[1].lower() == ".gif"


def key_number(path: str | os.PathLike[str]) -> int | None:
    """The frame that a picture's name ends with; None for files that are no key by their names."""
    name = os.path.basename(os.fspath(path))
    if name.startswith(TEMPORARY) or not may_be_key(name):
        return None
    number = re.search(r"([0-9]+)$", os.path.splitext(name)[0])
    return int(number[1]) if number else None


def key_name(number: int, ending: str = ".png") -> str:
    """The name for the picture of a frame, which `key_number` reads: key_00045.png."""
    return f"key_{number:05d}{ending}"


def keys_in_folder(folder: str | os.PathLike[str]) -> dict[int, list[Path]]:
    """The pictures of keys in a folder by their frames, in order; several on a frame are for the caller to refuse, but
    an exported frame that nobody painted on gives way to what is, and a painting program's document to a picture.

    Raises OSError.
    """
    found: dict[int, list[Path]] = {}
    for path in files_in(folder):
        number = key_number(path)
        if number is not None:
            found.setdefault(number, []).append(path)
    return {number: _exported(paths) for number, paths in sorted(found.items())}


def painted_in_folder(folder: str | os.PathLike[str], number: int) -> Path | None:
    """What somebody paints a frame in: the document where there is one, else the picture. Raises OSError."""
    found = [path for path in files_in(folder) if key_number(path) == number]
    documents = [path for path in found if path.suffix.lower() in DOCUMENTS]
    return next(iter(documents or painted_among(found)), None)


def _exported(paths: list[Path]) -> list[Path]:
    """The painted pictures among documents and pictures of one frame; all where there are only documents."""
    paths = painted_among(paths)
    return [path for path in paths if path.suffix.lower() not in DOCUMENTS] or paths
