"""Movies joined without encoding again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import reduce
from operator import or_
from pathlib import Path

from restrip.errors import RestripError
from restrip.media.av.copy import Unlike, append_all, written_timecode
from restrip.media.files import MediaMissing, OutputUnwritable, check_readable, written
from restrip.media.movies.light_levels import LightLevels
from restrip.media.movies.picture_boxes import read_display, read_levels, write_display, write_levels
from restrip.media.writer import picture_name

CONTAINERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}


class NotJoinable(RestripError):
    """Movies whose encodings differ."""

    code = "not-joinable"

    def __init__(self, first: str, other: str) -> None:
        super().__init__(
            f"{other} and {first} are encoded in different ways and can't be joined as they are.",
            "Render the segments again with one format.",
            files=[first, other],
        )


def timecode_in(path: str | os.PathLike[str]) -> str:
    """The timecode of the first frame of a movie of this package's; "" for one without, and for folders of pictures.

    Raises MediaUnreadable.
    """
    return "" if os.path.isdir(path) else written_timecode(os.fspath(path))


def join(files: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> int:
    """Put movies of this package's writer, of one format, size and rate, one after the other into `out`.

    Nothing is decoded: the code values stay, and so do the bytes of every packet. Folders of pictures are joined by
    numbering on (linked where the disk can, else copied). Returns the number of frames.

    Raises NotJoinable, MediaMissing, MediaUnreadable, OutputUnwritable, DiskFull.
    """
    names = [os.fspath(file) for file in files]
    if all(os.path.isdir(name) for name in names):
        return _join_folders([Path(name) for name in names], Path(out))
    for name in names:
        check_readable(name)
    container = container_of(Path(out))
    with written(out) as aside:
        try:
            count = append_all(names, str(aside), container)
        except Unlike as other:
            raise NotJoinable(names[0], other.path) from other
        if container != "matroska":
            _say_light(names, aside)
    return count


def _say_light(files: Sequence[str], out: Path) -> None:
    """How bright a movie joined of these is, where they say it; one that doesn't makes it unknown. And the display that
    their source was graded on.
    """
    found = [read_levels(file) for file in files]
    if any(levels is not None for levels in found):
        known = [levels for levels in found if levels is not None]
        write_levels(out, reduce(or_, known) if len(known) == len(found) else LightLevels())
    display = next(filter(None, map(read_display, files)), None)
    if display is not None:
        write_display(out, display)


def container_of(path: Path) -> str:
    """The container that a name's ending stands for. Raises OutputUnwritable."""
    ending = path.suffix.lower()
    if ending not in CONTAINERS:
        raise OutputUnwritable(str(path), f"movies end in {', '.join(sorted(CONTAINERS))}")
    return CONTAINERS[ending]


def _join_folders(folders: Sequence[Path], out: Path) -> int:
    pictures = [picture for folder in folders for picture in sorted(folder.iterdir())]
    if not pictures:
        raise MediaMissing(str(folders[0]))
    with written(out, folder=True) as aside:
        for number, picture in enumerate(pictures):
            target = aside / picture_name(number, picture.suffix)
            try:
                os.link(picture, target)
            except OSError:
                shutil.copyfile(picture, target)
    return len(pictures)
