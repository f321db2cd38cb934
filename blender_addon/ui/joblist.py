"""Jobs on the panel: how far each is, or what came of it and what can be done."""

from __future__ import annotations

from typing import Any

import bpy

from .. import jobs, previews, progress, words
from ..live_job import LiveJob
from ..timeline import results
from . import seeds


def in_sight() -> list[LiveJob]:
    """The jobs that run, or that the user has something to do about; oldest first."""
    return [job for job in jobs.board().jobs.values() if not _over(job)]


def finished() -> list[LiveJob]:
    """The others: they fold away, so that Stylize stays in sight."""
    return [job for job in jobs.board().jobs.values() if _over(job)]


def _over(job: LiveJob) -> bool:
    if job.stage == "placed":
        return not job.seeds or job.picked
    return job.stage == "stopped" and job.came is not None


def draw(layout: Any, job: LiveJob) -> None:
    """One job: how far it is, or what came of it."""
    box = layout.box()
    head = box.row(align=True)
    head.label(text=job.name, icon=icon(job))
    if job.active:
        head.operator("restrip.cancel", text="", icon="X").job_id = job.job_id
        box.progress(factor=progress.overall(job), text=progress.in_short(job), type="BAR")
        box.label(text=progress.phase_said(job))
        picture = previews.icon(job.job_id)
        if job.seeds:
            seeds.draw(box, job)
        elif picture:
            box.template_icon(icon_value=picture, scale=6.0)
        return
    head.operator("restrip.dismiss", text="", icon="PANEL_CLOSE").job_id = job.job_id
    draw_outcome(box, job)


def draw_outcome(box: Any, job: LiveJob) -> None:
    """What came of a job that doesn't run, and what can be done."""
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


def details(job: LiveJob) -> str:
    """What to paste into a report."""
    error = job.error
    if error is None:
        return job.message
    facts = "\n".join(f"{name}: {value}" for name, value in error.detail.items())
    return f"{error.code}: {error}\njob: {job.job_id}\nBlender {bpy.app.version_string}\n{facts}".rstrip()


def icon(job: LiveJob) -> str:
    """The icon of a job's state."""
    if job.active:
        return "SORTTIME"
    return {"placed": "CHECKMARK", "waiting": "CHECKMARK", "failed": "ERROR"}.get(job.stage, "PAUSE")
