"""How numba compiles the CPU's kernels, and how it keeps them.

Compiled kernels lie where numba puts them: in NUMBA_CACHE_DIR, beside the sources, or in the user's own cache folder
where nothing may be written beside them. numba takes one that it finds there while the kernel's own file is as it was,
whatever has changed in other files. So here each kept file has a mark of all kernels' sources in its name:

    vote.vote-5f0c3a9be1d27764-154.py311.nbi
    of a file and function, MARK, the line, of which Python
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numba

from restrip.propagate.energy import STAMP

# OpenMP's threads would spin for milliseconds whenever one waits for another, on cores that decoding, encoding and
# OpenCV need: a quarter of all CPU time. It reads this when numba first asks for threads; what the user has set stays.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

EXACT: dict[str, Any] = {"boundscheck": False, "cache": True, "nogil": True}
"""For whole numbers, and where the GPU's kernels give the same to the last bit."""

FAST: dict[str, Any] = {**EXACT, "fastmath": {"contract", "nsz", "arcp"}}
"""For floating point: products and sums may be fused, a division may become a product; the order of sums stays."""

INLINE: dict[str, Any] = {**EXACT, "forceinline": True}
"""For parts of exact kernels that take arrays: called, they would count who holds these, with locks, at each pixel."""

MARK = hashlib.sha256(f"{STAMP} {numba.__version__}".encode()).hexdigest()[:16]
"""Of the kernels' sources and of what compiles them: another one, and nothing that was kept is taken."""

OTHERS = 2
"""Kernels of so many other builds stay: an engine of before may still be at work, or a checkout go back."""


def njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """numba's `njit`, kept under `MARK`. All kernels of Restrip are made by it."""

    def compiled(function: Callable[..., Any]) -> Any:
        name = function.__qualname__
        function.__qualname__ = f"{name}-{MARK}"  # numba names files by it, here and now; symbols later, by the other.
        try:
            kernel = numba.njit(**options)(function)
        finally:
            function.__qualname__ = name
        kernel.__qualname__ = name
        forget_others(kernel.stats.cache_path)
        return kernel

    return compiled


@functools.cache
def forget_others(folder: str) -> None:
    """Remove kernels of older builds from a folder that has none of this one yet, but those of the latest `OTHERS`."""
    builds: defaultdict[str, list[os.DirEntry[str]]] = defaultdict(list)
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if entry.name.endswith((".nbi", ".nbc")):
                builds[_mark(entry.name)].append(entry)
    if MARK in builds:
        return
    unmarked = builds.pop("", [])  # of versions that had no marks
    kept = sorted(builds, key=lambda mark: max(map(_changed, builds[mark])))[-OTHERS:]
    for entry in [*unmarked, *(entry for mark in builds if mark not in kept for entry in builds[mark])]:
        with suppress(OSError):  # Another process may be at it as well, or hold it open.
            os.unlink(entry.path)


def _mark(name: str) -> str:
    """The mark in a file's name, "" where none is."""
    parts = name.rsplit("-", 2)
    return parts[1] if len(parts) == 3 else ""


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat().st_mtime
    except OSError:
        return 0.0
