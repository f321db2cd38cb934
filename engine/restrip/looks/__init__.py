"""Looks: what turns a key's frame into its picture."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from restrip.link.setting import complete
from restrip.looks.gallery import list_looks
from restrip.looks.look import Beside, Look, LookUnavailable, Styled, UnknownLook
from restrip.looks.settings import FAMILIES, LookFamily, family_of, look_settings, own_settings, settings_of

__all__ = [
    "FAMILIES",
    "Beside",
    "Look",
    "LookFamily",
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

# What opens a look of each family: called with what follows the colon, the completed settings and the frames' size.
_OPENERS = {
    "neural": ("restrip.looks.neural", "open_neural"),
    "painting": ("restrip.looks.neural", "open_painting"),
    "painted": ("restrip.looks.painted", "open_painted"),
    "sd": ("restrip.looks.diffusion.look", "open_diffusion"),
}


def open_look(name: str, settings: Mapping[str, Any], *, size: tuple[int, int] | None = None) -> Look:
    """The look `name` with its settings; what is left out has its default.

    `size` is (width, height) of the frames to come, when known: a look that can't work at it says so here and not in
    the middle of a job. Raises UnknownLook, BadSetting (a setting that isn't this look's: see `own_settings`),
    LookUnavailable, and the look's own errors.
    """
    family, argument = family_of(name)
    values = complete(settings_of(name), settings)
    module, opener = _OPENERS[family.prefix]
    look: Look = getattr(import_module(module), opener)(argument, values, size=size)
    return look
