"""Results that watched keys made, and that later ones took the place of: all but the newest are deleted.

saved ─► result 1 ─► saved ─► result 2 ─► ...    stays: what any strip shows, what the saved file and the one saved
                                                 before it show, the newest KEPT (for undo), what nobody's watch made
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

import bpy

from restrip.client.job import Manifest
from restrip.client.key_files.made import KEPT, MadeResult

from . import places, results, vse

_made: list[MadeResult] = []
"""Oldest first; only what was made since Blender was started."""
_saved: dict[str, deque[frozenset[Path]]] = {}
"""What each .blend file that was opened or saved shows, and what it showed before it was saved last."""


def remember(manifest: Manifest) -> None:
    """A watch made this result, and it was placed."""
    _made.append(MadeResult.of(manifest))


def saved() -> None:
    """The open file was read or written: what it shows now stays, and what it showed before."""
    if bpy.data.filepath:
        _saved.setdefault(bpy.data.filepath, deque(maxlen=2)).append(frozenset(_shown()))


def tidy(discard: Callable[[str], None]) -> None:
    """Delete what is over; `discard` has the engine forget a job and what it kept of it."""
    used = _shown().union(*(shown for versions in _saved.values() for shown in versions))
    for made in _made[: max(0, len(_made) - KEPT)]:
        if used.isdisjoint(made.files) and not results.on_timeline(made.job_id) and made.delete():
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
