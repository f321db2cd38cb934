"""What the user can do with jobs and with the engine: small operators of the panel and the status bar."""

from typing import Any, ClassVar

import bpy
from bpy.props import StringProperty

from restrip.errors import RestripError

from .. import jobs
from ..engine import engine_connection, submit
from ..live_job import LiveJob
from ..timeline import rendering, vse
from .asking import AsksFirst
from .operators import Poll


def _running() -> list[LiveJob]:
    """The jobs of which something still happens by itself."""
    return [job for job in jobs.board().jobs.values() if job.active]


class JobOperator:
    """An operator on one live job; without an id, on the active strip's."""

    job_id: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def job(self, context: Any) -> LiveJob | None:
        """The job meant."""
        live = jobs.board()
        if self.job_id:
            return live.jobs.get(self.job_id)
        return live.of_strip(vse.active_strip(vse.edited_scene(context)))


class RESTRIP_OT_cancel(Poll, JobOperator, bpy.types.Operator):
    """Stop this job. What is finished of it is kept, and not rendered again"""

    bl_idname = "restrip.cancel"
    bl_label = "Cancel"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    @classmethod
    def why_not(cls, context: Any) -> str:
        """Something must be running."""
        return "" if _running() else "No job is running"

    def execute(self, context: Any) -> set[str]:
        """Ask the engine; it answers at once and stops at the next frame."""
        job = self.job(context)
        wanted = [job] if job is not None else _running()
        for one in wanted:
            jobs.cancel(one)
        vse.redraw(context)
        return {"FINISHED"} if wanted else {"CANCELLED"}


class RESTRIP_OT_resume(JobOperator, bpy.types.Operator):
    """Go on with this job; what is finished of it is not rendered again"""

    bl_idname = "restrip.resume"
    bl_label = "Go On"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        """Send the job on its way again."""
        job = self.job(context)
        if job is None:
            return {"CANCELLED"}
        try:
            submit.resume(job)
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_OT_place(JobOperator, bpy.types.Operator):
    """Put the finished result on the timeline, above its strip"""

    bl_idname = "restrip.place"
    bl_label = "Place Result"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: Any) -> set[str]:
        """Place it; Blender makes the undo step."""
        job = self.job(context)
        if job is None or job.manifest is None:
            self.report({"WARNING"}, "There is no finished result to place")
            return {"CANCELLED"}
        try:
            jobs.put(job)
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, job.message or f"{job.name} is restyled")
        return {"FINISHED"}


class RESTRIP_OT_dismiss(JobOperator, bpy.types.Operator):
    """Take this job off the list; its files stay"""

    bl_idname = "restrip.dismiss"
    bl_label = "Dismiss"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Forget the job here, and take its notice off the strip."""
        jobs.dismiss(self.job_id)
        vse.redraw(context)
        return {"FINISHED"}


class RESTRIP_OT_connect(bpy.types.Operator):
    """Look for the engine again, and start it"""

    bl_idname = "restrip.connect"
    bl_label = "Connect"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    def execute(self, context: Any) -> set[str]:
        """Ask again at once."""
        engine_connection.retry()
        return {"FINISHED"}


class RESTRIP_OT_clear_renders(Poll, AsksFirst, bpy.types.Operator):
    """Delete the pictures that strips were rendered to. Results stay; a strip is rendered anew when it is needed"""

    bl_idname = "restrip.clear_renders"
    bl_label = "Delete"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Any) -> str:
        """Not while a job may read them."""
        return "A job is running" if _running() else ""

    def execute(self, context: Any) -> set[str]:
        """Delete them."""
        rendering.clear()
        return {"FINISHED"}


class RESTRIP_OT_copy(bpy.types.Operator):
    """Copy this text"""

    bl_idname = "restrip.copy"
    bl_label = "Copy"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    text: StringProperty()

    def execute(self, context: Any) -> set[str]:
        """Put the text on the clipboard."""
        context.window_manager.clipboard = self.text
        self.report({"INFO"}, "Copied")
        return {"FINISHED"}


CLASSES = (
    RESTRIP_OT_cancel,
    RESTRIP_OT_resume,
    RESTRIP_OT_place,
    RESTRIP_OT_dismiss,
    RESTRIP_OT_connect,
    RESTRIP_OT_clear_renders,
    RESTRIP_OT_copy,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
