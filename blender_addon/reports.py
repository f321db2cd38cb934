"""Saying things where editors look for them: the status bar and the Info editor, with the sidebar closed, too.

Blender shows what an operator reports only when the operator was called by an event of a window: what one says that
Python called goes to the terminal. So a small modal operator is put into the window, which wakes up at once, reports,
and is gone.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .timeline import vse

WAKE_S = 0.01
said: deque[tuple[str, str]] = deque(maxlen=50)
"""The last things that were said, each with its kind; newest last."""


def say(text: str, kind: str = "INFO") -> None:
    """Report a text as "INFO" or "WARNING" (an "ERROR" would put a window under the mouse). From timers, too."""
    said.append((kind, text))
    windows = bpy.context.window_manager.windows if bpy.context.window_manager else ()
    if bpy.app.background or not windows:
        print(f"Restrip: {text}")
        return
    with bpy.context.temp_override(window=windows[0]):
        vse.own_operators().say("INVOKE_DEFAULT", text=text, kind=kind)


class RESTRIP_OT_say(bpy.types.Operator):
    """Say something in the status bar and in the Info editor"""

    bl_idname = "restrip.say"
    bl_label = "Restrip"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    text: StringProperty()
    kind: StringProperty(default="INFO")

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Wait for the window's next event."""
        self.timer = context.window_manager.event_timer_add(WAKE_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        """Say it."""
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        context.window_manager.event_timer_remove(self.timer)
        self.report({self.kind}, self.text)
        return {"FINISHED", "PASS_THROUGH"}


register, unregister = bpy.utils.register_classes_factory((RESTRIP_OT_say,))
