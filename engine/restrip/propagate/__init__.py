"""Carry a key's look through time, and say where one key should hand over to the next.

`restrip.propagate.settings` is pure (standard library); everything else loads numpy, OpenCV and numba when first
touched, so that the supervisor can describe the settings without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restrip.propagate.carry import propagate
    from restrip.propagate.seams import FadeScore, propose_fade
    from restrip.propagate.settings import PROPAGATE_SETTINGS, PropagateSettings
    from restrip.propagate.window import Carried, FrameWindow, StyledKey

_HOMES = {
    "propagate": "carry",
    "FadeScore": "seams",
    "propose_fade": "seams",
    "PROPAGATE_SETTINGS": "settings",
    "PropagateSettings": "settings",
    "Carried": "window",
    "FrameWindow": "window",
    "StyledKey": "window",
}

__all__ = [
    "PROPAGATE_SETTINGS",
    "Carried",
    "FadeScore",
    "FrameWindow",
    "PropagateSettings",
    "StyledKey",
    "propagate",
    "propose_fade",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
