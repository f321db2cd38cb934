"""Restrip in Blender's Video Sequencer: restyle a strip, get it back as strips with crossfades.

Thin on purpose: it reads strips and markers, asks the engine, and builds the result. No picture is touched here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

PACKAGE = __name__
"""What Blender calls the extension: bl_ext.user_default.restrip, where it is installed as ever."""
_PARTS = (
    "state",
    "prefs",
    "previews",
    "ui.form",
    "reports",
    "ui.operators",
    "ui.job_operators",
    "ui.keying",
    "ui.painting",
    "ui.take_menu",
    "ui.copy_look",
    "ui.seeds",
    "ui.frame_preview",
    "ui.presets",
    "ui.prompts",
    "ui.looks",
    "ui.saved_looks",
    "ui.models",
    "timeline.packing",
    "ui.menus",
    "ui.panel",
    "ui.statusbar",
    "handlers",
)
_CORE = "restrip"
"""The package of wheels that is installed with the extension."""


def register() -> None:
    """Called by Blender when the extension is enabled."""
    for name in _PARTS:
        import_module(f".{name}", __package__).register()


def unregister() -> None:
    """Called by Blender when it is disabled: nothing of it stays behind, and an update starts from its own files."""
    for name in reversed(_PARTS):
        import_module(f".{name}", __package__).unregister()
    _forget()


def _forget() -> None:
    """Drop every module of the extension and of its core, as attributes too: `from . import` would find those."""
    for name in list(sys.modules):
        if name.startswith((f"{__package__}.", f"{_CORE}.")) or name == _CORE:
            del sys.modules[name]
    mine = globals()
    for name in [name for name, value in mine.items() if isinstance(value, ModuleType) and value is not sys]:
        del mine[name]
