"""Results that watched keys made, and that later ones took the place of: all but the newest are deleted.

saved ─► result 1 ─► saved ─► result 2 ─► ...    stays: what any strip shows, what the saved file and the one saved
                                                 before it show, the newest KEPT (for undo), what nobody's watch made
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import bpy

from restrip.client.job import Manifest

from . import places, results, vse

KEPT = 8

_made: list[Made] = []
"""Oldest first; only what was made since Blender was started."""
_saved: dict[str, deque[frozenset[Path]]] = {}
"""What each .blend file that was opened or saved shows, and what it showed before it was saved last."""


@dataclass(frozen=True)
class Made:
    """A result of a watch: its job, and the files that a strip may show."""

    job_id: str
    files: tuple[Path, ...]


def remember(manifest: Manifest) -> None:
    """A watch made this result, and it was placed."""
    files = (*(strip.file for strip in manifest.strips), manifest.baked, manifest.preview)
    _made.append(Made(manifest.job_id, tuple(Path(file) for file in files if file)))


def saved() -> None:
    """The open file was read or written: what it shows now stays, and what it showed before."""
    if bpy.data.filepath:
        _saved.setdefault(bpy.data.filepath, deque(maxlen=2)).append(frozenset(_shown()))


def tidy(discard: Callable[[str], None]) -> None:
    """Delete what is over; `discard` has the engine forget a job and what it kept of it."""
    used = _shown().union(*(shown for versions in _saved.values() for shown in versions))
    for made in _made[: max(0, len(_made) - KEPT)]:
        if used.isdisjoint(made.files) and not results.on_timeline(made.job_id) and _delete(made):
            _made.remove(made)
            discard(made.job_id)


def forget() -> None:
    """Nothing is known any more."""
    _made.clear()
    _saved.clear()


def _shown() -> set[Path]:
    """The files and folders that the strips of all scenes show."""
    shown = (places.media_of(strip) for scene in bpy.data.scenes for strip in vse.every_strip(scene))
    return {path for path in shown if path is not None}


def _delete(made: Made) -> bool:
    """Delete a result's files, and its folder unless something else lies in it; whether that could be done.

    Where the engine has the results, it deletes them itself.
    """
    folders = {file.parent for file in made.files if file.parent.name.endswith(f" {made.job_id}")}
    try:
        for folder in folders:
            for file in (*(file for file in made.files if file.parent == folder), folder / "manifest.json"):
                for picture in sorted(file.iterdir()) if file.is_dir() else ():
                    picture.unlink()
                if file.is_dir():
                    file.rmdir()
                else:
                    file.unlink(missing_ok=True)
    except OSError:  # It is open, on some systems: the next time.
        return False
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
    return True
