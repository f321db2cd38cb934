"""Presets: a strip's values under a name, one JSON file each; sharing one is copying its file."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .. import values
from ..engine import schema
from ..timeline import vse
from . import form
from .asking import AsksFirst, AsksName


def names() -> list[str]:
    """The presets there are, in alphabetical order."""
    return sorted((path.stem for path in schema.presets_folder().glob("*.json")), key=str.casefold)


def load(name: str) -> Mapping[str, Any]:
    """A preset's values; empty when it can't be read."""
    try:
        return values.read(_path(name).read_text("utf-8"))
    except OSError:
        return {}


def save(name: str, given: Mapping[str, Any]) -> Path:
    """Keep values under a name; an old preset of that name is replaced."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(given), indent=1, sort_keys=True) + "\n", "utf-8")
    return path


def _path(name: str) -> Path:
    """A preset's file; characters that file systems don't take are left out."""
    plain = re.sub(r"[^\w .()+-]", "", name).strip(" .")
    return schema.presets_folder() / f"{plain or 'preset'}.json"


class TargetOperator:
    """An operator on the strip that the form edits."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """A strip must be active."""
        scene = vse.edited_scene(context)
        return scene is not None and form.target(scene) is not None


class RESTRIP_OT_preset_load(TargetOperator, bpy.types.Operator):
    """Use this preset for the strip"""

    bl_idname = "restrip.preset_load"
    bl_label = "Use Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    name: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Write its values to the strip."""
        found = load(self.name)
        if not found:
            self.report({"ERROR"}, f"The preset {self.name} can't be read")
            return {"CANCELLED"}
        form.target(vse.edited_scene(context)).restrip.values = values.written(found)
        return {"FINISHED"}


class RESTRIP_OT_preset_save(AsksName, TargetOperator, bpy.types.Operator):
    """Keep this strip's settings under a name"""

    bl_idname = "restrip.preset_save"
    bl_label = "Save Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    name: StringProperty(name="Name", options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Write the file."""
        if not self.name.strip():
            self.report({"WARNING"}, "Give the preset a name")
            return {"CANCELLED"}
        path = save(self.name, schema.values_of(form.target(vse.edited_scene(context))))
        self.report({"INFO"}, f"Saved as {path}")
        return {"FINISHED"}


class RESTRIP_OT_preset_remove(AsksFirst, bpy.types.Operator):
    """Delete this preset's file"""

    bl_idname = "restrip.preset_remove"
    bl_label = "Remove Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    name: StringProperty(options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Delete it."""
        _path(self.name).unlink(missing_ok=True)
        return {"FINISHED"}


class RESTRIP_MT_presets(bpy.types.Menu):
    """Presets of settings"""

    bl_idname = "RESTRIP_MT_presets"
    bl_label = "Presets"

    def draw(self, context: Any) -> None:
        """All presets, then what can be done."""
        layout = self.layout
        there = names()
        for name in there:
            layout.operator("restrip.preset_load", text=name).name = name
        if there:
            layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("restrip.preset_save", text="Save Preset…", icon="ADD")
        if there:
            layout.menu("RESTRIP_MT_presets_remove", icon="TRASH")
        layout.operator("wm.path_open", text="Show Files", icon="FILE_FOLDER").filepath = str(schema.presets_folder())


class RESTRIP_MT_presets_remove(bpy.types.Menu):
    """Delete presets"""

    bl_idname = "RESTRIP_MT_presets_remove"
    bl_label = "Remove Preset"

    def draw(self, context: Any) -> None:
        """All of them; each is asked about."""
        self.layout.operator_context = "INVOKE_DEFAULT"
        for name in names():
            self.layout.operator("restrip.preset_remove", text=name).name = name


CLASSES = (
    RESTRIP_OT_preset_load,
    RESTRIP_OT_preset_save,
    RESTRIP_OT_preset_remove,
    RESTRIP_MT_presets,
    RESTRIP_MT_presets_remove,
)

_register, _unregister = bpy.utils.register_classes_factory(CLASSES)


def register() -> None:
    """Make operators and menu known."""
    schema.presets_folder().mkdir(parents=True, exist_ok=True)
    _register()


def unregister() -> None:
    """Forget them."""
    _unregister()
