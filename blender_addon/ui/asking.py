"""What operators ask before they begin: whether it is meant, or a name."""

from __future__ import annotations

from typing import Any


class AsksFirst:
    """An operator that can't be undone."""

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first: there is no undo."""
        done: set[str] = context.window_manager.invoke_confirm(self, event)
        return done


class AsksName:
    """An operator whose properties are a name, in a small dialog."""

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask for the name."""
        done: set[str] = context.window_manager.invoke_props_dialog(self, width=250)
        return done
