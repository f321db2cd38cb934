"""The sidebar's Restrip tab: jobs, look, settings, keyframes, output. Drawing asks nobody and changes nothing."""

from __future__ import annotations

from typing import Any

import bpy

from restrip.link.setting import Setting

from . import (
    clip,
    connection,
    copy_look,
    form,
    jobs,
    markers,
    models,
    previews,
    results,
    schema,
    seeds,
    take_menu,
    values,
    vse,
    words,
)

CATEGORY = "Restrip"
MAIN_GROUP = "basic"
SEVERAL_WORDS = {"basic": "Look", "keyframes": "Keyframes", "output": "Output", "keys": "Keys together"}
# Groups that come before all others, in this order.
FIRST = ("keyframes", "output")


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
        connection.wanted()
        if not connection.draw(layout):
            return
        for job in list(jobs.board().jobs.values()):
            draw_job(layout, job)
        scene = vse.edited_scene(context)
        strip = form.target(scene) if scene is not None else None
        if strip is None:
            layout.label(text="Select a strip to restyle it", icon="RESTRICT_SELECT_OFF")
            return
        draw_strip(layout, scene, strip)
        copy_look.draw_row(layout, context)
        take_menu.draw_row(layout, context)


def draw_job(layout: Any, job: jobs.LiveJob) -> None:
    """One job: how far it is, or what came of it."""
    box = layout.box()
    head = box.row(align=True)
    head.label(text=job.name, icon=_icon(job))
    if job.active:
        head.operator("restrip.cancel", text="", icon="X").job_id = job.job_id
        box.progress(factor=fraction(job), text=said(job), type="BAR")
        icon = previews.icon(job.job_id)
        if job.seeds:
            seeds.draw(box, job)
        elif icon:
            box.template_icon(icon_value=icon, scale=6.0)
        return
    head.operator("restrip.dismiss", text="", icon="PANEL_CLOSE").job_id = job.job_id
    if job.error is not None:
        words.lines(box, job.error.message, "ERROR")
        words.lines(box, job.error.remedy)
        row = box.row(align=True)
        row.operator("restrip.copy", text="Copy Details", icon="COPYDOWN").text = details(job)
        if job.stage == "failed" and job.can_go_on:
            row.operator("restrip.resume", text="Try Again", icon="FILE_REFRESH").job_id = job.job_id
    elif job.message:
        words.lines(box, job.message)
    if job.seeds:
        seeds.draw(box, job)
    if job.stage == "waiting" or (job.stage == "placed" and job.manifest and not results.on_timeline(job.job_id)):
        box.operator("restrip.place", icon="SEQ_SEQUENCER").job_id = job.job_id
    if job.stage == "stopped" and job.can_go_on:
        box.operator("restrip.resume", icon="PLAY").job_id = job.job_id


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
    if hasattr(data, form.name_of(f"look.{family}")):
        if family == "neural" and previews.looks_known():
            column.template_icon_view(data, form.LOOKS, show_labels=True, scale=4.0, scale_popup=4.0)
        draw_setting(column, data, f"look.{family}")
    draw_settings(column, data, form.shown(given, schema.current()).get(MAIN_GROUP, []))
    layout.separator()
    strip = clip.subject_of(scene, strip)
    layout.label(text=keyframes_said(scene, strip, given), icon="MARKER")
    again = results.result_of(scene, strip) is not None
    column = layout.column(align=True)
    column.scale_y = 1.4
    if again:
        column.operator("restrip.stylize_again", text="Stylize Again", icon="FILE_REFRESH")
    else:
        column.operator("restrip.stylize", icon="BRUSH_DATA")
    said_before = connection.forecast(scene, strip)
    if said_before:
        layout.label(text=said_before, icon="TIME")
    row = layout.row(align=True)
    row.operator("restrip.seeds", text="Try Seeds", icon="IMGDISPLAY")
    row.operator("restrip.suggest", text="Suggest Keys", icon="MARKER")


def draw_settings(layout: Any, data: Any, table: list[Setting]) -> None:
    """A row for each setting."""
    for setting in table:
        if hasattr(data, form.name_of(setting.key)):
            draw_setting(layout, data, setting.key)


def draw_setting(layout: Any, data: Any, key: str) -> None:
    """One row; with a button that lists the files of the models folder where one is chosen."""
    row = layout.row(align=True)
    row.prop(data, form.name_of(key))
    if key in models.ROLES:
        row.operator("restrip.pick_model", text="", icon="VIEWZOOM").key = key


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
        layout: Any = self.layout  # type: ignore[attr-defined]
        layout.use_property_split, layout.use_property_decorate = True, False
        scene = vse.edited_scene(context)
        draw_settings(layout, scene.restrip_form, self.table(form.target(scene)))
        if self.group == "keyframes":
            layout.operator("restrip.key_image", icon="IMAGE_DATA")


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


PHASES = {
    "": "Waiting",
    "reading": "Reading the clip",
    "keys": "Painting keyframes",
    "motion": "Measuring motion",
    "propagating": "Carrying keyframes along",
    "writing": "Writing strips",
}


def fraction(job: jobs.LiveJob) -> float:
    """How much of the present phase is done, 0 to 1."""
    if job.stage == "rendering":
        return job.done
    return job.status.done / job.status.total if job.status.total else 0.0


def said(job: jobs.LiveJob) -> str:
    """Phase and time left, in words."""
    if job.stage == "rendering":
        return f"Rendering the strip, {job.done:.0%}"
    if job.stage == "sending":
        return "Asking the engine"
    status = job.status
    if status.state == "queued":
        return "Waiting for its turn"
    if status.state == "cancel_requested":
        return "Stopping"
    phase = PHASES.get(status.phase, status.phase.capitalize())
    left = f", {words.time_said(status.eta_s)} left" if status.eta_s is not None else ""
    return f"{phase} {status.done} of {status.total}{left}" if status.total else f"{phase}{left}"


def details(job: jobs.LiveJob) -> str:
    """What to paste into a report."""
    error = job.error
    if error is None:
        return job.message
    facts = "\n".join(f"{name}: {value}" for name, value in error.detail.items())
    return f"{error.code}: {error}\njob: {job.job_id}\nBlender {bpy.app.version_string}\n{facts}".rstrip()


def draw_status_bar(header: Any, context: Any) -> None:
    """The first running job, where every editor shows what goes on."""
    active = [job for job in jobs.board().jobs.values() if job.active]
    if not active:
        return
    row = header.layout.row(align=True)
    bar = row.row(align=True)
    bar.ui_units_x = 16
    bar.progress(factor=fraction(active[0]), text=f"{active[0].name}: {said(active[0])}", type="BAR")
    row.operator("restrip.cancel", text="", icon="X").job_id = active[0].job_id
    if len(active) > 1:
        row.label(text=f"and {len(active) - 1} more")


def _icon(job: jobs.LiveJob) -> str:
    if job.active:
        return "SORTTIME"
    return {"placed": "CHECKMARK", "waiting": "CHECKMARK", "failed": "ERROR"}.get(job.stage, "PAUSE")


def register() -> None:
    """Show the tab and the bar."""
    bpy.utils.register_class(RESTRIP_PT_main)
    rebuild()
    connection.on_new_schema(rebuild)
    bpy.types.STATUSBAR_HT_header.append(draw_status_bar)


def unregister() -> None:
    """Take them away."""
    bpy.types.STATUSBAR_HT_header.remove(draw_status_bar)
    forget_groups()
    bpy.utils.unregister_class(RESTRIP_PT_main)
