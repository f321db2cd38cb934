"""The checkpoints in the user's models folder, as the engine lists them."""

from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import EnumProperty

from restrip.errors import RestripError

from . import form, jobs, prefs, vse

_items: list[tuple[str, str, str]] = []


def learn() -> None:
    """Ask the engine what is in the models folder; the list fills when it answers."""
    folder = prefs.models_folder()
    if not folder:
        return

    def came(found: list[dict[str, Any]]) -> None:
        _items[:] = [(str(m["path"]), str(m["name"]), f"{m['family']}, {m['path']}") for m in found]

    def failed(error: RestripError) -> None:
        jobs.warn(str(error))

    jobs.board().courier.ask("models", {"folder": folder}, came, failed)


def items(owner: Any = None, context: Any = None) -> list[tuple[str, str, str]]:
    """As Blender asks for them; the list lives as long as the extension."""
    return _items


def known() -> bool:
    """Whether there is something to choose from."""
    return bool(_items)


class RESTRIP_OT_pick_model(bpy.types.Operator):
    """Choose a checkpoint from the models folder"""

    bl_idname = "restrip.pick_model"
    bl_label = "Models"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    bl_property = "model"

    model: EnumProperty(items=items)  # type: ignore[valid-type]

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Something must be listed."""
        if not known() and hasattr(cls, "poll_message_set"):
            cls.poll_message_set("Set the models folder in the extension's preferences")
        return known()

    def invoke(self, context: Any, event: Any) -> set[str]:
        """A list to search in."""
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Set it on the strip."""
        form.put(vse.edited_scene(context), "look.sd", str(Path(self.model)))
        vse.redraw(context)
        return {"FINISHED"}


def register() -> None:
    """Make the operator known."""
    bpy.utils.register_class(RESTRIP_OT_pick_model)


def unregister() -> None:
    """Forget it."""
    _items.clear()
    bpy.utils.unregister_class(RESTRIP_OT_pick_model)
