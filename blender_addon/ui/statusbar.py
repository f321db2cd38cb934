"""Restrip in the status bar, for editors who work with the sidebar closed: what runs, what failed, what is done."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from .. import jobs, progress
from ..live_job import LiveJob
from ..timeline import vse
from . import joblist

DONE_FOR_S = 20.0
"""So long the bar says that a result was placed."""
MOST_TEXT = 70
DIALOG_PX = 360


def draw(header: Any, context: Any) -> None:
    """The first running job, then what the user has something to do about, then what was done just now."""
    live = list(jobs.board().jobs.values())
    active = [job for job in live if job.active]
    layout = header.layout
    if active:
        row = layout.row(align=True)
        bar = row.row(align=True)
        bar.ui_units_x = 14
        text = f"{active[0].name}: {progress.in_short(active[0])}"
        bar.progress(factor=progress.overall(active[0]), text=text, type="BAR")
        row.operator("restrip.cancel", text="", icon="X").job_id = active[0].job_id
        row.label(text=progress.phase_said(active[0]) + (f", and {len(active) - 1} more" if active[1:] else ""))
    for job in _asking(live)[:1]:
        row = layout.row(align=True)
        row.alert = job.error is not None
        row.operator("restrip.show_job", text=in_short(job), icon=joblist.icon(job)).job_id = job.job_id
        row.operator("restrip.dismiss", text="", icon="X").job_id = job.job_id
    done = [job for job in live if job.stage == "placed" and job.manifest and just_now(job)]
    if done and not _asking(live):
        row = layout.row(align=True)
        row.operator("restrip.show_result", text=f"{done[-1].name} is restyled", icon="CHECKMARK").job_id = done[
            -1
        ].job_id


def _asking(live: list[LiveJob]) -> list[LiveJob]:
    """The jobs that failed, stopped, or wait for a place; the newest first."""
    wanted = [job for job in live if job.stage in ("failed", "stopped") or (job.stage == "waiting" and not job.mine)]
    return sorted(wanted, key=lambda job: -job.ended)


def in_short(job: LiveJob) -> str:
    """A job that doesn't run, in one line."""
    said = job.error.message if job.error is not None else job.message
    if job.stage == "waiting" and job.error is None:
        said = "is restyled, and waits to be placed"
    text = f"{job.name} {said}" if job.stage == "waiting" and job.error is None else f"{job.name}: {said}"
    return text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"


def just_now(job: LiveJob) -> bool:
    """Whether a job ended a moment ago."""
    return time.monotonic() - job.ended < DONE_FOR_S


_shown = False


def tick() -> None:
    """Have the bar drawn again once it no longer says that something is done."""
    global _shown
    now = any(job.stage == "placed" and just_now(job) for job in jobs.board().jobs.values())
    if _shown and not now:
        vse.redraw(bpy.context)
    _shown = now


class RESTRIP_OT_show_job(bpy.types.Operator):
    """What happened to this job, and what can be done about it"""

    bl_idname = "restrip.show_job"
    bl_label = "Restrip"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Over the status bar."""
        done: set[str] = context.window_manager.invoke_popup(self, width=DIALOG_PX)
        return done

    def draw(self, context: Any) -> None:
        """As the panel shows it."""
        job = jobs.board().jobs.get(self.job_id)
        if job is None:
            self.layout.label(text="This job is off the list")
            return
        icon: Any = joblist.icon(job)
        self.layout.label(text=job.name, icon=icon)
        joblist.draw_outcome(self.layout, job)

    def execute(self, context: Any) -> set[str]:
        """Nothing more."""
        return {"FINISHED"}


class RESTRIP_OT_show_result(bpy.types.Operator):
    """Select this result, and go to its first frame"""

    bl_idname = "restrip.show_result"
    bl_label = "Show Result"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def execute(self, context: Any) -> set[str]:
        """Select it."""
        scene = vse.edited_scene(context)
        found = [strip for strip in vse.every_strip(scene) if strip.restrip.result_of == self.job_id]
        if not found:
            self.report({"WARNING"}, "The result isn't on this timeline any more")
            return {"CANCELLED"}
        for strip in vse.every_strip(scene):
            strip.select = strip == found[0]
        vse.set_active_strip(scene, found[0])
        scene.frame_set(vse.span_of(found[0]).first)
        return {"FINISHED"}


_register, _unregister = bpy.utils.register_classes_factory((RESTRIP_OT_show_job, RESTRIP_OT_show_result))


def register() -> None:
    """Show the bar."""
    _register()
    bpy.types.STATUSBAR_HT_header.append(draw)


def unregister() -> None:
    """Take it away."""
    bpy.types.STATUSBAR_HT_header.remove(draw)
    _unregister()
