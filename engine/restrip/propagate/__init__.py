"""Carry a key's look through time, and say where one key should hand over to the next.

`restrip.propagate.settings` is pure (standard library); everything else loads numpy, OpenCV and numba when first
touched, so that the supervisor can describe the settings without them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restrip.propagate.fades import FadeScore, propose_fade
    from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey
    from restrip.propagate.segment_walk import propagate
    from restrip.propagate.settings import PROPAGATE_SETTINGS, PropagateSettings

_HOMES = {
    "propagate": "segment_walk",
    "FadeScore": "fades",
    "propose_fade": "fades",
    "PROPAGATE_SETTINGS": "settings",
    "PropagateSettings": "settings",
    "CarriedFrame": "frame_window",
    "FrameWindow": "frame_window",
    "StyledKey": "frame_window",
}

__all__ = [
    "PROPAGATE_SETTINGS",
    "CarriedFrame",
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
