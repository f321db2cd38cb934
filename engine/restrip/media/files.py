"""Files on disk: what can be read is checked first, what is written appears whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO

from restrip.errors import BadInput, RestripError
from restrip.storage.atomic import aside_of, replace, sync_file, sync_folder


class MediaMissing(BadInput):
    """A media file that isn't there."""

    code = "media-missing"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} isn't there.", "Check the path, and that its disk or network share is connected.", path=path
        )


GENERAL_REMEDY = "Choose a movie or a picture that plays elsewhere."


class MediaUnreadable(BadInput):
    """A file that is there but holds no pictures that can be read."""

    code = "media-unreadable"

    def __init__(self, path: str, why: str, remedy: str = GENERAL_REMEDY) -> None:
        super().__init__(f"{path} can't be read: {why}.", remedy, path=path, why=why)


class DecoderMissing(MediaUnreadable):
    """A movie whose pictures this build of FFmpeg can't decode: it has no decoder for `codec`, or not for all of it."""

    code = "decoder-missing"

    def __init__(self, path: str, library: str, codec: str = "") -> None:
        lacks = f"can't decode its kind of {codec}" if codec else "has no decoder for its pictures"
        super().__init__(
            path,
            f"FFmpeg as it is here ({library}) {lacks}",
            "Convert it to H.264, ProRes or DNxHR in the program that it comes from. If the package av is a build of "
            "your own, the usual one has more decoders: pip install --force-reinstall --only-binary av av",
        )


class ColoursUnreadable(MediaUnreadable):
    """A movie whose code values stand for colours in a way that isn't known here: they would be shown wrongly."""

    code = "colours-unreadable"

    def __init__(self, path: str, coding: str) -> None:
        super().__init__(
            path,
            f"its colours are {coding}, which would be shown wrongly",
            "Export it again as HDR10, HLG or Dolby Vision 8.1 or 8.4 in the program that it comes from, or convert it "
            "with an FFmpeg that has libplacebo: ffmpeg -i OLD -vf libplacebo=colorspace=bt2020nc:"
            "color_primaries=bt2020:color_trc=smpte2084:range=limited:format=yuv420p10le -c:v libx265 -crf 12 NEW.mp4",
        )


class OutputUnwritable(BadInput):
    """A place where nothing can be written."""

    code = "output-unwritable"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be written: {why}.", "Choose a folder where you may write.", path=path, why=why)


class NameTaken(OutputUnwritable):
    """A place for something new where something came to lie meanwhile."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "something of that name is there")


class DiskFull(RestripError):
    """The disk has no room left. `then` is what to do when it has: of a job unless it is said otherwise."""

    code = "disk-full"

    def __init__(self, path: str, then: str = "resume the job: what was finished is kept") -> None:
        super().__init__(f"The disk is full: {path} can't be finished.", f"Make room, then {then}.", path=path)


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def check_readable(path: str) -> None:
    """Say what is wrong with a path before a decoder does. Raises MediaMissing, MediaUnreadable."""
    try:
        if os.path.isdir(path):
            raise MediaUnreadable(path, "it is a folder", "Choose a movie, or the pictures in the folder.")
        with open_regular(path) as file:
            if not file.read(1):
                raise MediaUnreadable(path, "it is empty", "Copy or export it again.")
    except FileNotFoundError:
        raise MediaMissing(path) from None
    except PermissionError:
        raise MediaUnreadable(path, "permission is denied", "Allow your user account to read it.") from None
    except (OSError, ValueError) as error:
        # A share that vanished, a name that is too long or holds a zero byte.
        raise MediaUnreadable(path, _reason(error), "Check the path, the disk or the network share.") from error


KERNELS = ("/proc", "/sys")
"""Where the kernel shows itself as files: reading some waits for ever, reading others does something."""


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file to read, when it is one that lies on a disk: nothing is waited for on the other end of a pipe or a
    device. Raises MediaUnreadable, OSError.
    """
    name = os.fspath(path)
    _check_regular(name, os.stat(name))
    # Should it have been swapped for a pipe in the meantime, opening doesn't wait.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(name, flags)
    try:
        _check_regular(name, os.fstat(descriptor))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def lies_on_a_disk(seen: os.stat_result) -> bool:
    """Whether this is a file, and none of the kernel's. Cheap: asked of each picture of a sequence."""
    return stat.S_ISREG(seen.st_mode) and seen.st_dev not in kernel_devices()


def no_file(path: str, seen: os.stat_result) -> MediaUnreadable:
    """What to say of something that doesn't lie on a disk as a file."""
    if stat.S_ISDIR(seen.st_mode):
        return MediaUnreadable(path, "it is a folder", "Choose a file.")
    return MediaUnreadable(path, "it is a device or a pipe, not a file", "Choose a file on a disk.")


@cache
def kernel_devices() -> tuple[int, ...]:
    """The devices' numbers of what lies in `KERNELS`, as `os.stat` gives them."""
    return tuple(os.stat(place).st_dev for place in KERNELS if os.path.ismount(place))


def _check_regular(name: str, seen: os.stat_result) -> None:
    real = os.path.realpath(name)
    if not lies_on_a_disk(seen) or real.startswith(tuple(f"{k}/" for k in KERNELS)):
        raise no_file(name, seen)


@contextmanager
def written(path: str | os.PathLike[str], folder: bool = False, *, fresh: bool = False) -> Iterator[Path]:
    """A path beside `path` to write to; on success it is synced to disk and takes the name, on failure it vanishes.

        with written("strip.mp4") as aside: ...       strip.mp4 is whole, or what it was before

    `folder` makes a folder, which takes the place of an empty or missing one. A `fresh` file never takes another's
    place: of two that are written at once one is there. Raises OutputUnwritable, DiskFull, NameTaken.
    """
    target = Path(path)
    aside = aside_of(target)
    try:
        with disk_errors(str(target)):
            if not folder and target.is_dir():
                raise OutputUnwritable(str(target), "it is a folder")
            if target.exists() and not target.is_file() and not target.is_dir():
                # A file would take its name from the system, which root may do to /dev/null.
                raise OutputUnwritable(str(target), "it is a device or a pipe")
            target.parent.mkdir(parents=True, exist_ok=True)
            if folder:
                aside.mkdir()
            yield aside
            _sync(aside)
            if fresh:
                _take_free_name(aside, target)
            else:
                _take_name(aside, target, folder)
            sync_folder(target.parent)
    finally:
        if folder:
            shutil.rmtree(aside, ignore_errors=True)
        else:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


@contextmanager
def disk_errors(path: str) -> Iterator[None]:
    """Turn the system's errors while `path` is written into DiskFull and OutputUnwritable."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(path) from error
        raise OutputUnwritable(path, _reason(error)) from error


def _take_name(aside: Path, target: Path, folder: bool) -> None:
    if folder and target.exists():
        target.rmdir()  # Fails, and is reported, when it holds anything: nothing is deleted unasked.
    replace(aside, target)


def _take_free_name(aside: Path, target: Path) -> None:
    try:
        os.link(aside, target)
    except FileExistsError:
        raise NameTaken(str(target)) from None
    except OSError:  # A file system without links.
        if target.exists():
            raise NameTaken(str(target)) from None
        replace(aside, target)


def _sync(path: Path) -> None:
    """Force a file, or a folder and all that is in it, onto the disk."""
    if not path.is_dir():
        sync_file(path)
        return
    for child in path.iterdir():
        _sync(child)
    sync_folder(path)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".").lower()
