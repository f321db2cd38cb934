"""One look for several strips."""

from typing import Any, ClassVar

import bpy

from .. import values
from ..engine import schema
from ..timeline import vse
from . import form, operators


def others(context: Any) -> list[Any]:
    """The strips that would take over the active strip's look: the selected ones, but for itself."""
    given = form.target(vse.edited_scene(context))
    found = [vse.base_of(strip) for strip in operators.sources(context)]
    return [strip for strip in found if strip != given]


class RESTRIP_OT_copy_look(operators.Poll, bpy.types.Operator):
    """Give the other selected strips the look and all settings of the active one, which the panel shows"""

    bl_idname = "restrip.copy_look"
    bl_label = "Copy Look to Selected"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Any) -> str:
        """There must be a strip to copy from, and others to copy to."""
        if form.target(vse.edited_scene(context)) is None:
            return "Click the strip whose look the others should have"
        return "" if others(context) else "Select further strips: the look of the last one clicked is copied to them"

    def execute(self, context: Any) -> set[str]:
        """Write the settings to each, and say to which."""
        given = form.target(vse.edited_scene(context))
        look = values.written(schema.values_of(given))
        found = others(context)
        given.restrip.values = look
        for strip in found:
            strip.restrip.values = look
        self.report({"INFO"}, f"The look of {given.name} is now that of {', '.join(strip.name for strip in found)}")
        vse.redraw(context)
        return {"FINISHED"}


def draw_row(layout: Any, context: Any) -> None:
    """The button, where several strips are selected."""
    count = len(others(context))
    if count:
        text = f"Copy Look to {count} Other Strip{'' if count == 1 else 's'}"
        layout.operator("restrip.copy_look", text=text, icon="PASTEDOWN")


CLASSES = (RESTRIP_OT_copy_look,)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
