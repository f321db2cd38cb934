"""Restrip in Blender's Video Sequencer: restyle a strip, get it back as strips with crossfades.

Thin on purpose: it reads strips and markers, asks the engine, and builds the result. No picture is touched here.
"""

from __future__ import annotations

_PARTS = ("state", "prefs", "previews", "form", "operators", "keying", "seeds", "menus", "panel", "handlers")


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from importlib import import_module

    for name in _PARTS:
        import_module(f".{name}", __package__).register()


def unregister() -> None:
    """Called by Blender when it is disabled: nothing of it stays behind."""
    from importlib import import_module

    for name in reversed(_PARTS):
        import_module(f".{name}", __package__).unregister()
