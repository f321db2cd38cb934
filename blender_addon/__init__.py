"""Restrip in Blender's Video Sequencer: restyle a strip, get it back as strips with crossfades.

Thin on purpose: it reads strips and markers, asks the engine, and builds the result. No picture is touched here.
"""

from __future__ import annotations

import sys
from importlib import import_module

_PARTS = (
    "state",
    "prefs",
    "previews",
    "form",
    "operators",
    "keying",
    "take_menu",
    "copy_look",
    "seeds",
    "presets",
    "models",
    "menus",
    "panel",
    "handlers",
)


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for name in _PARTS:
        import_module(f".{name}", __package__).register()


def unregister() -> None:
    """Called by Blender when it is disabled: nothing of it stays behind, and an update starts from its own files."""
    for name in reversed(_PARTS):
        import_module(f".{name}", __package__).unregister()
    for name in [name for name in sys.modules if name.startswith(f"{__package__}.")]:
        del sys.modules[name]
