"""Which build of Restrip this is: an id made from the installed files, so that an upgrade takes effect.

the same version, other code       another build
two installations, the same files  the same build
front-ends that carry no engine    none: they take the engine that they find
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import restrip

PACKAGE = Path(restrip.__file__).absolute().parent
_ENGINE = ("service", "__main__.py")

Stamp = tuple[tuple[str, int, int], ...]


@functools.cache
def own_build() -> str:
    """The build that this process was started from; "" for a package without an engine."""
    return build_id()


def build_id(package: Path = PACKAGE) -> str:
    """16 digits of what is installed now: the code by its content, other files by name and size. "" without an engine,
    and when files go away while they are read, as in the middle of an upgrade.
    """
    if not is_whole(package):
        return ""
    seen = hashlib.sha256()
    try:
        for name, size, _ in stamp(package):
            seen.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
            if name.endswith(".py"):
                seen.update((package / name).read_bytes())
    except OSError:
        return ""
    return seen.hexdigest()[:16]


def stamp(package: Path = PACKAGE) -> Stamp:
    """(name, bytes, time of the last change in ns) of every installed file, sorted: cheap to compare."""
    return tuple(sorted(_files(str(package), "")))


def is_whole(package: Path = PACKAGE) -> bool:
    """Whether the engine's files are there."""
    return package.joinpath(*_ENGINE).is_file()


def installation(build: str) -> dict[str, str]:
    """Where this process runs from: {"build", "installation": the package's folder, "python": version and program}."""
    return {
        "build": build,
        "installation": str(PACKAGE),
        "python": f"{platform.python_version()} ({sys.executable})",
    }


def _files(folder: str, above: str) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        yield from _files(entry.path, f"{above}{entry.name}/")
                elif not entry.name.endswith((".pyc", ".nbi", ".nbc")):
                    known = entry.stat()
                    yield f"{above}{entry.name}", known.st_size, known.st_mtime_ns
    except OSError:
        return
