"""Which kernels these are: a stamp of all source files that a compiled kernel of the CPU may be made of.

numba keeps compiled kernels on the disk and sees when a kernel's own file has changed, but not when a number or a
function changed that it takes from another file.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDERS = ("cpu/kernels", "energy")
"""Where such files lie, below `propagate`: kernels take their numbers and functions from nowhere else."""


def stamp(package: Path) -> str:
    """16 digits of the content of the files in `FOLDERS` below the folder `package`."""
    seen = hashlib.sha256()
    for folder in FOLDERS:
        for file in sorted((package / folder).glob("*.py")):
            content = file.read_bytes()
            seen.update(f"{folder}/{file.name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
            seen.update(content)
    return seen.hexdigest()[:16]


STAMP = stamp(Path(__file__).parent)
"""Of this process, read before the first number of those files is: they may be replaced under a process that runs."""
