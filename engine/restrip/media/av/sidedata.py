"""What comes beside a picture."""

from __future__ import annotations

from typing import Any

from av.sidedata import sidedata

_KINDS: Any = sidedata.Type


def display_matrix(picture: Any) -> bytes | None:
    """The nine numbers by which a decoded picture is turned to be shown; None when it is shown as it is."""
    matrix = picture.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else bytes(matrix)


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
