"""Finished files put where they are kept: copied, or under a second name."""

from __future__ import annotations

import shutil
from pathlib import Path

from restrip.media.files import written


def put(source: Path, target: Path) -> Path:
    """Copy `source` to `target`, which appears when it is whole; the source stays for the next job."""
    with written(target) as aside:
        shutil.copyfile(source, aside)
    return target


def linked_copy(source: Path, target: Path) -> Path:
    """The same file under another name, where the disk can do that; else a copy. Neither is ever written to."""
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        put(source, target)
    return target


def key_picture(index: int) -> str:
    """The name of a key's picture in the folder of a job."""
    return f"key-{index:03d}.png"
