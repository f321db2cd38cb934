"""What the user can do with strips: small operators, each one undo step."""

from typing import Any, ClassVar

import bpy

from restrip.errors import RestripError

from .. import jobs, values
from ..engine import schema, submit
from ..timeline import clip, drafts, results, ties, vse


def sources(context: Any) -> list[Any]:
    """The selected strips that have a picture, each chain of effects once; a result stands for its source."""
    scene = vse.edited_scene(context)
    found: list[Any] = []
    for strip in map(results.whole, vse.selected_strips(context)):
        if strip.type in clip.SILENT_KINDS:
            continue
        given = results.sources_of(scene, strip) if ties.is_result(strip) else [clip.subject_of(scene, strip)]
        found += [source for source in given if source not in found]
    return found


class Poll:
    """Greys an operator out, and says why."""

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A sentence for the tooltip, or "" when the operator can run."""
        if not vse.selected_strips(context):
            return "Select a strip first"
        return "" if sources(context) else "Sound has no picture: select a movie, picture, scene or meta strip"

    @classmethod
    def poll(cls, context: Any) -> bool:
        """Asked by Blender."""
        reason = cls.why_not(context)
        if reason and hasattr(cls, "poll_message_set"):
            cls.poll_message_set(reason)
        return not reason


class Stylize(Poll):
    """Begins a job for each selected strip; a strip that has a result gets another take of it, never a second one."""

    bl_options: ClassVar[set[str]] = {"REGISTER"}

    def wanted(self, context: Any) -> list[Any]:
        """The strips to begin a job for."""
        return sources(context)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask first when a job of a strip is running: it is begun again."""
        running = [strip.name for strip in self.wanted(context) if jobs.running(strip) is not None]
        if not running:
            return self.execute(context)
        done: set[str] = context.window_manager.invoke_confirm(
            self,
            event,
            title="Begin Again?",
            message=f"{', '.join(running)}: a job is running. What is finished of it is used again.",
            confirm_text="Begin Again",
        )
        return done

    def execute(self, context: Any) -> set[str]:
        """Begin them, and say what they will do."""
        scene = vse.edited_scene(context)
        report: Any = self.report  # type: ignore[attr-defined] # the classes below are Operators
        ties.settle(scene)
        begun = []
        # What each strip has is read first: a strip without values takes those of the last job.
        for strip, given in [(strip, schema.values_of(strip)) for strip in self.wanted(context)]:
            vse.base_of(strip).restrip.values = values.written(given) if given else ""
            running = jobs.running(strip)
            strip.restrip.job = ""
            if running is not None and not results.waited_for(running.job_id):
                jobs.give_up(running)
            try:
                begun.append(submit.begin(scene, strip))
            except RestripError as error:
                report({"ERROR"}, str(error))
        for job in begun:
            report({"INFO"}, submit.said_at_start(job))
        vse.redraw(context)
        return {"FINISHED"} if begun else {"CANCELLED"}


class RESTRIP_OT_stylize(Stylize, bpy.types.Operator):
    """Restyle the selected strips at their markers; each comes back as strips with crossfades above it"""

    bl_idname = "restrip.stylize"
    bl_label = "Stylize"


class RESTRIP_OT_stylize_again(Stylize, bpy.types.Operator):
    """Render again what changed since the last result, and show it as a new take. Fades that you moved stay"""

    bl_idname = "restrip.stylize_again"
    bl_label = "Stylize Again (Changed Only)"

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A result must be there."""
        scene = vse.edited_scene(context)
        if sources(context) and all(results.result_of(scene, strip) is None for strip in sources(context)):
            return "There is no result yet: use Stylize"
        return super().why_not(context)


class RESTRIP_OT_render_full(Stylize, bpy.types.Operator):
    """Render the draft in full, with the same keyframes, prompts and seeds. It takes the place of the draft"""

    bl_idname = "restrip.render_full"
    bl_label = "Render in Full"

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A draft must be there."""
        scene = vse.edited_scene(context)
        found = (results.result_of(scene, strip) for strip in sources(context))
        if sources(context) and not any(meta is not None and drafts.shown_in(meta) for meta in found):
            return "There is no draft: turn Draft on and use Stylize"
        return super().why_not(context)

    def wanted(self, context: Any) -> list[Any]:
        """The strips that show a draft."""
        scene = vse.edited_scene(context)
        found = [(strip, results.result_of(scene, strip)) for strip in sources(context)]
        return [strip for strip, meta in found if meta is not None and drafts.shown_in(meta)]

    def execute(self, context: Any) -> set[str]:
        """Turn Draft off for them, and begin them."""
        for strip in self.wanted(context):
            base = vse.base_of(strip)
            base.restrip.values = values.written({**schema.values_of(strip), schema.DRAFT: False})
        return super().execute(context)


class RESTRIP_OT_remove_result(Poll, bpy.types.Operator):
    """Take the result off the timeline and show the source again. The rendered files stay"""

    bl_idname = "restrip.remove_result"
    bl_label = "Remove Result"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Any) -> str:
        """A result must be there."""
        scene = vse.edited_scene(context)
        found = any(
            results.result_of(scene, results.whole(strip)) is not None for strip in vse.selected_strips(context)
        )
        return "" if found else "Select a strip that was stylized"

    def execute(self, context: Any) -> set[str]:
        """Remove the results of the selected strips."""
        scene = vse.edited_scene(context)
        ties.settle(scene)
        # By name: removing one takes others with it, such as an effect on it.
        for name in [results.whole(strip).name for strip in vse.selected_strips(context)]:
            strip = next((strip for strip in vse.every_strip(scene) if strip.name == name), None)
            if strip is None:
                continue
            if ties.is_result(strip):
                results.remove(scene, strip)
            else:
                results.remove_from(scene, clip.subject_of(scene, strip))
        return {"FINISHED"}


CLASSES = (
    RESTRIP_OT_stylize,
    RESTRIP_OT_stylize_again,
    RESTRIP_OT_render_full,
    RESTRIP_OT_remove_result,
)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
