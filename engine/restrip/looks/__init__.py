"""Looks: what turns a key's frame into its picture."""

from __future__ import annotations

from restrip.looks.families import (
    FAMILIES,
    LookFamily,
    family_of,
    look_settings,
    open_look,
    own_settings,
    settings_of,
)
from restrip.looks.look import Beside, Estimate, Look, LookTraits, LookUnavailable, Styled, UnknownLook
from restrip.looks.style_transfer.gallery import list_looks

__all__ = [
    "FAMILIES",
    "Beside",
    "Estimate",
    "Look",
    "LookFamily",
    "LookTraits",
    "LookUnavailable",
    "Styled",
    "UnknownLook",
    "family_of",
    "list_looks",
    "look_settings",
    "open_look",
    "own_settings",
    "settings_of",
]
