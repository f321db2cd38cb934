"""Folders that users name, walked to the end: links that lead in a circle, the kernel's folders and whole disks too."""

from __future__ import annotations

import os
from collections.abc import Iterator

from restrip.errors import BadInput
from restrip.media.files import KERNELS, kernel_devices

MOST_FOLDERS = 100_000
"""That one walk goes through: some seconds of a disk's time. A folder of models has some hundred."""

Id = tuple[int, int]


class FolderUnsearchable(BadInput):
    """A folder whose files can't be listed."""

    code = "folder-unsearchable"

    def __init__(self, path: str, why: str, remedy: str) -> None:
        super().__init__(f"The folder {path} can't be searched: {why}.", remedy, path=path, why=why)


def walk(top: str | os.PathLike[str]) -> Iterator[tuple[str, list[str], list[str]]]:
    """(folder, names of folders in it, names of files) of `top` and all below, as `os.walk`: who asks may sort the
    folders' names and take some out before the next one.

    Links to folders are followed, but not to one that lies above; nor are the kernel's folders entered, where folders
    have no end. What can't be read below `top` is left out. Raises FolderUnsearchable: for `top` itself, and after
    MOST_FOLDERS.
    """
    start = os.fspath(top)
    if not _is_folder(start):
        return
    above: dict[str, frozenset[Id]] = {start: frozenset({_id(start)})}
    for count, (here, folders, files) in enumerate(os.walk(start, followlinks=True)):
        if count == MOST_FOLDERS:
            raise FolderUnsearchable(
                start, f"it holds more than {MOST_FOLDERS:,} folders", "Name one further down, nearer to the files."
            )
        yield here, folders, files
        mine, entered = above.pop(here), []
        for name in folders:
            path = os.path.join(here, name)
            seen = _id(path)
            kernels = _leads_to_kernel(path, seen) if os.path.islink(path) else seen[0] in kernel_devices()
            if seen not in mine and not kernels:
                above[path] = mine | {seen}
                entered.append(name)
        folders[:] = entered


def _is_folder(start: str) -> bool:
    """Whether there is a folder. Raises FolderUnsearchable when it can't be listed, or is the kernel's."""
    try:
        os.scandir(start).close()
    except PermissionError:
        raise FolderUnsearchable(start, "permission is denied", "Allow your user account to read it.") from None
    except (OSError, ValueError):
        return False
    if _leads_to_kernel(start, _id(start)):
        raise FolderUnsearchable(start, "it is the system's own and not on a disk", "Choose a folder on a disk.")
    return True


def _id(path: str) -> Id:
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        return (-1, -1)
    return (seen.st_dev, seen.st_ino)


def _leads_to_kernel(path: str, seen: Id) -> bool:
    """Whether it lies, links followed, in one of the kernel's folders, where other devices are mounted too."""
    real = f"{os.path.realpath(path)}/"
    return seen[0] in kernel_devices() or real.startswith(tuple(f"{place}/" for place in KERNELS))
