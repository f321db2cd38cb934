"""Operators about keyframes: have them suggested, or paint one by hand."""

from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty

from restrip.client.job import JobSpec, clip_to_json
from restrip.errors import RestripError
from restrip.timeline import FrameRange

from .. import jobs, values
from ..engine import requests, submit
from ..live_job import LiveJob
from ..timeline import clip, markers, vse
from . import operators

FRAMES_A_KEY = 25


class RESTRIP_OT_suggest(operators.Poll, bpy.types.Operator):
    """Put markers where motion and appearance change, with the reason in their names"""

    bl_idname = "restrip.suggest"
    bl_label = "Suggest Keyframes"
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    count: IntProperty(name="How many", description="Keyframes for the whole strip", min=1, max=1000, default=5)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Ask how many, with a number that suits the strip's length."""
        spans = [len(vse.span_of(strip)) for strip in operators.sources(context)]
        self.count = max(2, round(max(spans, default=0) / FRAMES_A_KEY))
        done: set[str] = context.window_manager.invoke_props_dialog(self, width=220)
        return done

    def execute(self, context: Any) -> set[str]:
        """Ask the engine; the markers come when it has looked."""
        scene = vse.edited_scene(context)
        for strip in operators.sources(context):
            try:
                suggest(scene, strip, self.count)
            except RestripError as error:
                self.report({"ERROR"}, str(error))
                return {"CANCELLED"}
        return {"FINISHED"}


def suggest(scene: Any, strip: Any, count: int) -> None:
    """Have the engine look, then write markers as one undo step. Raises NothingToStylize."""
    request, where = requests.request_of(scene, strip), scene.name
    span, name = request.origin.facts.span, f"Keyframes for {strip.name}"

    def shown(facts: clip.StripFacts) -> None:
        submit.spec_of("suggest", request, facts, described, lambda error: jobs.fail_unstarted(name, error))

    def described(spec: JobSpec) -> None:
        jobs.follow_interactive("suggest", {"source": clip_to_json(spec.clip), "count": count}, name, came, again=again)

    def again() -> None:
        found = requests.strip_of(request)
        if found[1] is not None:
            suggest(*found, count)

    def came(job: LiveJob) -> None:
        found = job.status.result or {}
        keys = [(int(key["frame"]), str(key.get("reason", ""))) for key in found.get("keys", ())]
        write(where, span, keys)
        job.stage, job.message = "placed", f"{len(keys)} keyframes suggested."

    submit.pictured(scene, strip, name, span, shown)


def write(scene_name: str, span: FrameRange, keys: list[tuple[int, str]]) -> None:
    """Markers on a scene, if it is still there."""
    scene = bpy.data.scenes.get(scene_name)
    if scene is None:
        return
    markers.write(scene, span, keys)
    jobs.push_undo("Restrip: suggested keyframes")


class RESTRIP_OT_key_image(operators.Poll, bpy.types.Operator):
    """Use a picture painted by hand as the keyframe under the playhead"""

    bl_idname = "restrip.key_image"
    bl_label = "Key from Image"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    # Pictures that Blender itself doesn't open, and so doesn't list.
    filter_glob: StringProperty(default="*.kra;*.ora;*.avif;*.heic;*.heif;*.hif", options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Any) -> str:
        """The playhead must be over the strip."""
        frame = vse.edited_scene(context).frame_current
        found = operators.sources(context)
        if found and not any(frame in vse.span_of(strip) for strip in found):
            return "Put the playhead on the strip"
        return super().why_not(context)

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Choose the picture."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Mark the frame, if it isn't yet, and remember the picture under the marker's name."""
        path = bpy.path.abspath(self.filepath)
        if not bpy.path.basename(path):
            self.report({"ERROR"}, "Choose a picture")
            return {"CANCELLED"}
        scene = vse.edited_scene(context)
        mark = next((mark for mark in scene.timeline_markers if mark.frame == scene.frame_current), None)
        others = {other.name for other in scene.timeline_markers if other != mark}
        if mark is None:
            name = markers.image_name(bpy.path.basename(path), others)
            mark = scene.timeline_markers.new(name, frame=scene.frame_current)
        elif mark.name in others:
            before, mark.name = mark.name, markers.own_name(mark.name, others)
            self.report({"INFO"}, f"Other markers are named {before}, too: this one is {mark.name} now")
        scene.restrip.images = values.written({**values.read(scene.restrip.images), mark.name: path})
        return {"FINISHED"}


CLASSES = (RESTRIP_OT_suggest, RESTRIP_OT_key_image)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
