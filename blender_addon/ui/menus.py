"""Restrip in the right-click menu of strips and in the Strip menu."""

from typing import Any

import bpy

from . import painting

PLACES = ("SEQUENCER_MT_context_menu", "SEQUENCER_MT_strip")


class RESTRIP_MT_strip(bpy.types.Menu):
    """What Restrip does with strips"""

    bl_idname = "RESTRIP_MT_strip"
    bl_label = "Restrip"

    def draw(self, context: Any) -> None:
        """The operators, the one that everybody wants first."""
        layout = self.layout
        layout.operator("restrip.stylize", icon="BRUSH_DATA")
        layout.operator("restrip.stylize_again", icon="FILE_REFRESH")
        layout.operator("restrip.render_full", icon="RENDER_ANIMATION")
        layout.separator()
        layout.operator("restrip.preview_frame", icon="IMAGE_DATA")
        layout.operator("restrip.seeds", icon="IMGDISPLAY")
        layout.operator("restrip.suggest", icon="MARKER")
        layout.operator("restrip.key_image", icon="IMAGE_DATA")
        layout.operator("restrip.open_key", text=painting.program_said(), icon="GREASEPENCIL")
        row = layout.column()
        row.operator_context = "INVOKE_DEFAULT"
        row.operator("restrip.export_keys", icon="EXPORT")
        layout.separator()
        layout.menu("RESTRIP_MT_takes", icon="RENDERLAYERS")
        layout.operator("restrip.copy_look", icon="PASTEDOWN")
        layout.menu("RESTRIP_MT_saved_looks", text="Saved Looks", icon="ASSET_MANAGER")
        layout.separator()
        layout.operator("restrip.cancel", icon="X")
        layout.operator("restrip.remove_result", icon="TRASH")
        layout.separator()
        layout.operator("restrip.gather", icon="FILE_FOLDER")
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("restrip.pack_project", icon="PACKAGE")


def draw_entry(menu: Any, context: Any) -> None:
    """The last entries of a menu: the submenu, then Stylize itself."""
    layout = menu.layout
    layout.separator()
    layout.menu(RESTRIP_MT_strip.bl_idname)
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator("restrip.stylize", icon="BRUSH_DATA")


def register() -> None:
    """Add the entries."""
    bpy.utils.register_class(RESTRIP_MT_strip)
    for name in PLACES:
        getattr(bpy.types, name).append(draw_entry)


def unregister() -> None:
    """Take them out again."""
    for name in PLACES:
        getattr(bpy.types, name).remove(draw_entry)
    bpy.utils.unregister_class(RESTRIP_MT_strip)
