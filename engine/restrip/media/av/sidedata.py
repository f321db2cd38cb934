"""What comes beside a picture."""

from __future__ import annotations

from typing import Any

from av.sidedata import sidedata

from restrip.media.movies.dolby_vision import own_by_metadata
from restrip.media.movies.mastering_display import MasteringDisplay

_KINDS: Any = sidedata.Type
INSTRUCTIONS = {"Dolby Vision": "DOVI_METADATA", "HDR10+": "DYNAMIC_HDR_PLUS"}


def display_matrix(picture: Any) -> bytes | None:
    """The nine numbers by which a decoded picture is turned to be shown; None when it is shown as it is."""
    matrix = picture.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else bytes(matrix)


def mastering_display(picture: Any) -> MasteringDisplay | None:
    """The display that a movie was graded on, as its decoded picture tells it."""
    told = picture.side_data.get("MASTERING_DISPLAY_METADATA")
    return None if told is None else MasteringDisplay.of_ffmpeg(bytes(told))


def display_instructions(picture: Any) -> tuple[str, ...]:
    """The names of what tells displays how to show just these pictures."""
    return tuple(name for name, kind in INSTRUCTIONS.items() if picture.side_data.get(kind) is not None)


def own_colours(picture: Any) -> bool:
    """Whether a picture is Dolby Vision's own, which nothing else can show, by what comes beside it."""
    told = picture.side_data.get("DOVI_METADATA")
    return told is not None and own_by_metadata(bytes(told))


def _nameless(cls: Any, number: object) -> Any:
    """A member for a kind of side data that PyAV has no name for.

    PyAV names all that is beside a picture before it gives any of it, and FFmpeg knows kinds that PyAV doesn't: EXIF
    (31), the views of spatial movies (29), and whatever comes next.
    """
    if not isinstance(number, int):
        return None
    member: Any = object.__new__(cls)
    member._name_, member._value_ = f"UNKNOWN_{number}", number
    return member


if "_missing_" not in vars(_KINDS):
    _KINDS._missing_ = classmethod(_nameless)
