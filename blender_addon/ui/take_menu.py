"""The menu "Takes": every version of a result that is in the edit, to go back to."""

from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from ..timeline import results, takes, ties, vse
from . import operators


def results_of(context: Any) -> list[Any]:
    """The results of the selected strips; the active strip's first."""
    scene = vse.edited_scene(context)
    active = vse.active_strip(scene)
    chosen = ([active] if active is not None and active.select else []) + vse.selected_strips(context)
    found: list[Any] = []
    for strip in map(results.whole, chosen):
        given = [strip] if ties.is_result(strip) else ties.family_of(scene, strip).results
        found += [result for result in given if result not in found]
    return found


class WithTakes(operators.Poll):
    """For operators on results with more than one take."""

    @classmethod
    def why_not(cls, context: Any) -> str:
        """There must be a take to go back to."""
        found = results_of(context)
        if not found:
            return "Select a strip that was stylized"
        return "" if any(len(takes.listed(result)) > 1 for result in found) else "There is one take so far"


class RESTRIP_OT_show_take(WithTakes, bpy.types.Operator):
    """Show this version of the result. Nothing is rendered, and the other takes are kept"""

    bl_idname = "restrip.show_take"
    bl_label = "Show Take"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    take: IntProperty(options={"SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Show it on the first result that has it, and on the other pieces of that result."""
        scene = vse.edited_scene(context)
        ties.settle(scene)
        first = next((meta for meta in results_of(context) if self.take in _numbers(meta)), None)
        if first is None:
            self.report({"WARNING"}, f"There is no take {self.take}")
            return {"CANCELLED"}
        pieces = [meta for meta in ties.family_of(scene, first).results if self.take in _numbers(meta)]
        for note in filter(None, [results.show_take(scene, meta, self.take) for meta in pieces]):
            self.report({"WARNING"}, note)
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_OT_forget_takes(WithTakes, bpy.types.Operator):
    """Keep only the take that is shown, and take the others out of the edit. The rendered files stay"""

    bl_idname = "restrip.forget_takes"
    bl_label = "Remove Other Takes"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Remove them from the results of the selected strips."""
        ties.settle(vse.edited_scene(context))
        for meta in results_of(context):
            for number in _numbers(meta) - {meta.restrip.take}:
                takes.forget(meta, number)
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_MT_takes(bpy.types.Menu):
    """Versions of this result"""

    bl_idname = "RESTRIP_MT_takes"
    bl_label = "Takes"

    def draw(self, context: Any) -> None:
        """The newest first; the shown one is marked."""
        layout = self.layout
        found = results_of(context)
        if not found:
            layout.label(text="No result is selected")
            return
        for take in reversed(takes.listed(found[0])):
            here = take["take"] == found[0].restrip.take
            icon: Any = "RADIOBUT_ON" if here else "RADIOBUT_OFF"
            layout.operator("restrip.show_take", text=takes.said(take), icon=icon).take = take["take"]
        layout.separator()
        layout.operator("restrip.forget_takes", icon="TRASH")


def draw_row(layout: Any, context: Any) -> None:
    """The menu as a row of the panel, where a result has more than one take."""
    found = results_of(context)
    known = takes.listed(found[0]) if found else []
    if len(known) > 1:
        shown = next((take for take in known if take["take"] == found[0].restrip.take), known[-1])
        layout.menu(RESTRIP_MT_takes.bl_idname, text=takes.said(shown), icon="RENDERLAYERS")


def _numbers(meta: Any) -> set[int]:
    return {take["take"] for take in takes.listed(meta)}


CLASSES = (RESTRIP_OT_show_take, RESTRIP_OT_forget_takes, RESTRIP_MT_takes)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
