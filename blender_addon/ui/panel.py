"""The sidebar's Restrip tab: jobs, look, settings, keyframes, output. Drawing asks nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import bpy

from restrip.client.setting import Setting

from .. import key_watch, prefs, values, words
from ..engine import engine_connection, model_facts, schema
from ..timeline import clip, drafts, markers, packing, results, vse
from . import copy_look, form, joblist, looks, models, painting, prompts, saved_looks, take_menu

CATEGORY = "Restrip"
MAIN_GROUP = "basic"
SEVERAL_WORDS = {"basic": "Look", "keys": "Keyframes that match", "motion": "Between keyframes", "size": "Working size"}
# Groups that come before all others, in this order.
FIRST = ("keyframes", "matte", "output")
SEARCHED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], str]]] = {
    "matte.strip": (lambda scene: scene.sequence_editor, lambda scene: vse.collection_of(scene)),
    "matte.mask": (lambda scene: bpy.data, lambda scene: "masks"),
}
"""Settings that name something of the file: who has it, and in which collection."""


class Sidebar:
    """Where all panels of the extension are."""

    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = CATEGORY


class RESTRIP_PT_main(Sidebar, bpy.types.Panel):
    """Jobs, and the strip that the user works on"""

    bl_idname = "RESTRIP_PT_main"
    bl_label = "Restrip"

    def draw(self, context: Any) -> None:
        """Jobs on top, then what the active strip becomes."""
        layout = self.layout
        engine_connection.wanted()
        if not engine_connection.draw(layout):
            return
        for job in joblist.in_sight():
            joblist.draw(layout, job)
        scene = vse.edited_scene(context)
        strip = form.target(scene) if scene is not None else None
        if strip is None:
            layout.label(text="Select a strip to restyle it", icon="RESTRICT_SELECT_OFF")
            return
        draw_strip(layout, scene, strip)
        copy_look.draw_row(layout, context)
        take_menu.draw_row(layout, context)


def draw_strip(layout: Any, scene: Any, strip: Any) -> None:
    """The look, the basic settings, the keyframes, the button."""
    given = schema.values_of(strip)
    data = scene.restrip_form
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    head = column.row()
    head.label(text=strip.name, icon="SEQUENCE")
    head.menu("RESTRIP_MT_presets", text="", icon="PRESET")
    family = values.own(given, "look.family")
    column.prop(data, form.name_of("look.family"))
    if family == "neural":
        looks.draw(layout.column(), scene, strip)
    elif hasattr(data, form.name_of(f"look.{family}")):
        draw_setting(column, data, f"look.{family}")
    told = model_facts.facts(given)
    if told is not None:
        words.lines(layout, f"{told['label']}: {told.get('said', '')}", "INFO")
    saved_looks.draw_row(layout, given)
    column = layout.column()
    column.use_property_split, column.use_property_decorate = True, False
    draw_settings(column, data, form.shown(given, schema.current()).get(MAIN_GROUP, []))
    layout.separator()
    strip = clip.subject_of(scene, strip)
    layout.label(text=keyframes_said(scene, strip, given), icon="MARKER")
    prompts.draw_key(layout, scene, strip)
    result = results.result_of(scene, strip)
    column = layout.column(align=True)
    column.scale_y = 1.4
    row = column.row(align=True)
    if result is not None:
        row.operator("restrip.stylize_again", text="Stylize Again", icon="FILE_REFRESH")
    else:
        row.operator("restrip.stylize", icon="BRUSH_DATA")
    if hasattr(data, form.name_of(schema.DRAFT)):
        row.prop(data, form.name_of(schema.DRAFT), toggle=True)
    if result is not None and drafts.shown_in(result):
        column.operator("restrip.render_full", icon="RENDER_ANIMATION")
    said_before = engine_connection.forecast(scene, strip)
    if said_before:
        layout.label(text=said_before, icon="TIME")
    packing.draw_astray(layout, scene)
    layout.operator("restrip.preview_frame", icon="IMAGE_DATA")
    row = layout.row(align=True)
    row.operator("restrip.seeds", text="Try Seeds", icon="IMGDISPLAY")
    row.operator("restrip.suggest", text="Suggest Keys", icon="MARKER")


def draw_settings(layout: Any, data: Any, table: list[Setting]) -> None:
    """A row for each setting."""
    for setting in table:
        if hasattr(data, form.name_of(setting.key)):
            draw_setting(layout, data, setting.key)


def draw_setting(layout: Any, data: Any, key: str) -> None:
    """One row, with a button that lists models or the last prompts, or throws the dice, where that fits."""
    row = layout.row(align=True)
    if key in SEARCHED:
        owner, collection = SEARCHED[key]
        row.prop_search(data, form.name_of(key), owner(data.id_data), collection(data.id_data))
        return
    row.prop(data, form.name_of(key))
    if key in models.ROLES:
        row.operator("restrip.pick_model", text="", icon="VIEWZOOM").key = key
    elif key == prompts.SETTING:
        row.menu("RESTRIP_MT_prompts", text="", icon="RECOVER_LAST")
    elif key == prompts.SEED:
        row.operator("restrip.dice", text="", icon="FILE_REFRESH")


def keyframes_said(scene: Any, strip: Any, given: Any) -> str:
    """How many keyframes the strip has, in words."""
    if values.own(given, "keys.mode") == "every":
        return "Every frame is painted"
    span = vse.span_of(strip)
    only_named = values.own(given, "keys.markers") == "named"
    images = values.read(scene.restrip.images)
    count = markers.count_in(scene.timeline_markers, span, only_named=only_named, images=images)
    if count == 0:
        return "No marker in the strip: its middle frame is the keyframe"
    return f"{count} keyframe{'' if count == 1 else 's'} at the markers"


class RESTRIP_PT_finished(Sidebar, bpy.types.Panel):
    """Jobs that need nothing any more"""

    bl_idname = "RESTRIP_PT_finished"
    bl_parent_id = RESTRIP_PT_main.bl_idname
    bl_label = "Finished"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    bl_order = 100

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only when there are any."""
        return bool(joblist.finished())

    def draw_header_preset(self, context: Any) -> None:
        """How many."""
        self.layout.label(text=str(len(joblist.finished())))

    def draw(self, context: Any) -> None:
        """Each with what came of it, the newest first."""
        for job in reversed(joblist.finished()):
            joblist.draw(self.layout, job)


class RESTRIP_PT_group(Sidebar):
    """A closed panel for one group of settings; made by `rebuild` from the schema."""

    bl_parent_id = RESTRIP_PT_main.bl_idname
    group = ""

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Only with a strip whose look has settings in this group."""
        scene = vse.edited_scene(context)
        strip = form.target(scene) if scene is not None else None
        if strip is None or strip.type in clip.SILENT_KINDS or schema.known() is None:
            return False
        return bool(cls.table(strip))

    @classmethod
    def table(cls, strip: Any) -> list[Setting]:
        """The settings to draw."""
        return form.shown(schema.values_of(strip), (*schema.OWN_SETTINGS, *schema.current())).get(cls.group, [])

    def draw(self, context: Any) -> None:
        """A row for each setting."""
        layout: Any = self.layout  # type: ignore[attr-defined] # it becomes a Panel in `rebuild`
        layout.use_property_split, layout.use_property_decorate = True, False
        scene = vse.edited_scene(context)
        draw_settings(layout, scene.restrip_form, self.table(form.target(scene)))
        if self.group == "keyframes":
            draw_painting(layout, scene, form.target(scene))
        if self.group == "output" and prefs.results_in() == "ASK":
            layout.prop(scene.restrip, "folder")


def draw_painting(layout: Any, scene: Any, strip: Any) -> None:
    """Keys that are painted elsewhere: how to get them there and back, and what is wrong with them."""
    trouble = key_watch.trouble_of(scene, clip.subject_of(scene, strip))
    if trouble is not None:
        words.lines(layout, trouble.message, "ERROR")
        words.lines(layout, trouble.remedy)
    layout.operator("restrip.key_image", icon="IMAGE_DATA")
    row = layout.row(align=True)
    row.operator("restrip.export_keys", icon="EXPORT")
    row.operator("restrip.open_key", text=painting.program_said(), icon="GREASEPENCIL")


GROUPS: list[Any] = []


def rebuild() -> None:
    """A panel for each group of the schema that is known. Not to be called while drawing."""
    forget_groups()
    table = (*schema.OWN_SETTINGS, *schema.current())
    names = dict.fromkeys([*FIRST, *(setting.group for setting in table)])
    for number, group in enumerate(name for name in names if name != MAIN_GROUP):
        content = {
            "bl_idname": f"RESTRIP_PT_{group}",
            "bl_label": SEVERAL_WORDS.get(group, group.capitalize()),
            "bl_options": {"DEFAULT_CLOSED"},
            "bl_order": number,
            "group": group,
        }
        kind = type(f"RESTRIP_PT_{group}", (RESTRIP_PT_group, bpy.types.Panel), content)
        bpy.utils.register_class(kind)
        GROUPS.append(kind)


def forget_groups() -> None:
    """Take the groups' panels away."""
    for kind in GROUPS:
        bpy.utils.unregister_class(kind)
    GROUPS.clear()


def register() -> None:
    """Show the tab."""
    bpy.utils.register_class(RESTRIP_PT_main)
    bpy.utils.register_class(RESTRIP_PT_finished)
    rebuild()
    engine_connection.on_new_schema(rebuild)


def unregister() -> None:
    """Take it away."""
    forget_groups()
    bpy.utils.unregister_class(RESTRIP_PT_finished)
    bpy.utils.unregister_class(RESTRIP_PT_main)
