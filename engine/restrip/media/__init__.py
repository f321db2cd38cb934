"""Frames in and out: exact seeking, rotation, rate, colour; pictures and movies.

The names below load what they need when first used, so that `restrip.media.formats` stays importable without numpy
and PyAV.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restrip.media.audio import mux_audio
    from restrip.media.colour import ColourTags
    from restrip.media.cuts import find_cuts
    from restrip.media.frame import Frame, SizeMismatch
    from restrip.media.info import MediaInfo, probe
    from restrip.media.movies.joining import join, timecode_in
    from restrip.media.pictures.picture import fit_picture, read_picture, write_picture
    from restrip.media.reader import ClipReader
    from restrip.media.writer import MovieWriter

_HOMES = {
    "ClipReader": "reader",
    "ColourTags": "colour",
    "Frame": "frame",
    "MediaInfo": "info",
    "MovieWriter": "writer",
    "SizeMismatch": "frame",
    "find_cuts": "cuts",
    "fit_picture": "pictures.picture",
    "join": "movies.joining",
    "timecode_in": "movies.joining",
    "mux_audio": "audio",
    "probe": "info",
    "read_picture": "pictures.picture",
    "write_picture": "pictures.picture",
}

__all__ = [
    "ClipReader",
    "ColourTags",
    "Frame",
    "MediaInfo",
    "MovieWriter",
    "SizeMismatch",
    "find_cuts",
    "fit_picture",
    "join",
    "mux_audio",
    "probe",
    "read_picture",
    "timecode_in",
    "write_picture",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its file. Raises AttributeError for any other."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
