"""Choosing built-in looks on the panel: favourites first, and several mixed by weight."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty, StringProperty

from .. import previews, values
from ..engine import schema
from ..timeline import vse
from . import form, mix, presets

FAVOURITES = "favourites.json"
MIX_SCALE = 7.0


def favourites() -> tuple[str, ...]:
    """The numbers of the looks that the user likes best."""
    global _favourites
    if _favourites is None:
        try:
            found = json.loads((schema.folder() / FAVOURITES).read_text("utf-8"))
        except (OSError, ValueError):
            found = []
        _favourites = tuple(str(number) for number in found) if isinstance(found, list) else ()
    return _favourites


_favourites: tuple[str, ...] | None = None


def toggle(number: str) -> None:
    """Make a look a favourite, or none any more; favourites come first wherever looks are chosen."""
    global _favourites
    now = favourites()
    _favourites = tuple(n for n in now if n != number) if number in now else (*now, number)
    (schema.folder() / FAVOURITES).write_text(json.dumps(_favourites), "utf-8")
    previews.order_looks(_favourites)


def draw(layout: Any, scene: Any, strip: Any) -> None:
    """The look's large picture, or the looks of a mix with their weights and the picture that it makes."""
    data = scene.restrip_form
    text = str(values.own(schema.values_of(strip), "look.neural"))
    parts = mix.parse(text)
    if not previews.looks_known():
        layout.label(text="Reading the looks…", icon="SORTTIME")
        return
    if not parts or len(parts) > mix.MOST:
        layout.prop(data, form.name_of("look.neural"))
        return
    if len(parts) == 1:
        if previews.look_pictured(parts[0][0]):  # Else there would be a large empty box.
            layout.template_icon_view(data, form.LOOKS, show_labels=True, scale=6.5, scale_popup=5.0)
        row = layout.row(align=True)
        row.prop(data, form.LOOKS, text="")
        row.operator(
            "restrip.favourite", text="", icon="SOLO_ON" if parts[0][0] in favourites() else "SOLO_OFF"
        ).number = parts[0][0]
        row.operator("restrip.mix_add", text="", icon="ADD")
        return
    column = layout.column(align=True)
    for index in range(len(parts)):
        row = column.row(align=True)
        row.prop(data, f"{form.MIX_LOOK}{index}", text="")
        row.prop(data, f"{form.MIX_WEIGHT}{index}", text="", slider=True)
        row.operator("restrip.mix_remove", text="", icon="X").index = index
    if len(parts) < mix.MOST:
        column.operator("restrip.mix_add", text="Add a Look", icon="ADD")
    picture = previews.icon(previews.mix_key(strip.name, text))
    if picture:
        layout.template_icon(icon_value=picture, scale=MIX_SCALE)
    else:
        layout.operator("restrip.preview_frame", text="Picture of This Mix", icon="IMAGE_DATA").window = False


class _Mix(presets.TargetOperator):
    """Changes the mix of the strip that the form edits."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Write the changed mix to the strip."""
        scene = vse.edited_scene(context)
        before = str(values.own(schema.values_of(form.target(scene)), "look.neural"))
        form.put(scene, "look.neural", self.changed(before))
        vse.redraw(context)
        return {"FINISHED"}

    def changed(self, text: str) -> str:
        """The mix that comes of it."""
        raise NotImplementedError


class RESTRIP_OT_mix_add(_Mix, bpy.types.Operator):
    """Mix another look into this one"""

    bl_idname = "restrip.mix_add"
    bl_label = "Add a Look"

    def changed(self, text: str) -> str:
        """With one more."""
        return mix.with_one_more(text, [look[0] for look in previews.looks()])


class RESTRIP_OT_mix_remove(_Mix, bpy.types.Operator):
    """Take this look out of the mix"""

    bl_idname = "restrip.mix_remove"
    bl_label = "Remove Look"

    index: IntProperty(options={"HIDDEN", "SKIP_SAVE"})

    def changed(self, text: str) -> str:
        """Without it."""
        return mix.without(text, self.index)


class RESTRIP_OT_favourite(bpy.types.Operator):
    """A favourite comes first in every list of looks"""

    bl_idname = "restrip.favourite"
    bl_label = "Favourite"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    number: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Make it one, or none any more."""
        toggle(self.number)
        vse.redraw(context)
        return {"FINISHED"}


_register, _unregister = bpy.utils.register_classes_factory(
    (RESTRIP_OT_mix_add, RESTRIP_OT_mix_remove, RESTRIP_OT_favourite)
)


def register() -> None:
    """Make the operators known, and the favourites come first."""
    _register()
    previews.on_looks[:] = [lambda: previews.order_looks(favourites())]


def unregister() -> None:
    """Forget them."""
    global _favourites
    _favourites = None
    _unregister()
