"""Keys that are painted elsewhere: exported with what to do, and opened in the user's own program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, StringProperty

from restrip.client.job import JobSpec, clip_to_json
from restrip.client.key_files.program import NoKeyPicture, open_picture
from restrip.errors import RestripError
from restrip.timeline import Key

from .. import jobs, key_watch, prefs, reports, values
from ..engine import requests, schema, submit
from ..timeline import clip, results, vse
from . import operators

AT_ONCE = 4
"""So many frames are exported at a time: other questions of Blender's are answered between."""


class RESTRIP_OT_export_keys(operators.Poll, bpy.types.Operator):
    """Write the frames of the keyframes as pictures to paint on, with a note that says what to do"""

    bl_idname = "restrip.export_keys"
    bl_label = "Export Keys to Paint"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    use: BoolProperty(
        name="Use and Watch Them",
        description="Make this folder the strip's look, and carry each key along again when it is saved",
        default=True,
    )
    replace: BoolProperty(
        name="Painted Ones, Too",
        description="Export frames again that were painted; the painted ones are kept under another name",
        default=False,
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Any, event: Any) -> set[str]:
        """Choose the folder."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        """Ask the engine for the frames; it is said when they are there."""
        if not self.directory:
            self.report({"ERROR"}, "Choose a folder")
            return {"CANCELLED"}
        folder = os.path.abspath(bpy.path.abspath(self.directory))
        scene, found = vse.edited_scene(context), operators.sources(context)
        if len(found) > 1:
            self.report({"ERROR"}, "Select one strip: the keys of several would have the same names")
            return {"CANCELLED"}
        try:
            export(scene, found[0], folder, replace=self.replace)
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if self.use:
            strip = vse.base_of(found[0])
            wanted = {"look.family": "keys", "look.keys": folder, key_watch.SWITCH: True}
            strip.restrip.values = values.written({**schema.values_of(strip), **wanted})
        return {"FINISHED"}


def export(scene: Any, strip: Any, folder: str, *, replace: bool) -> None:
    """Have the keys' frames of a strip written into a folder. Raises NothingToStylize, NoMatte."""
    given = requests.absolute(schema.values_of(strip))
    keys = key_watch.keys_of(scene, strip, given)
    facts = clip.facts_of(scene, strip)
    first, name = int(given.get("first_number") or 0), f"Keys of {strip.name}"
    request = requests.StripRequest(results.Origin(scene.name, strip.name, facts, strip.channel), keys, given, "")
    made: list[Mapping[str, Any]] = []

    def failed(error: RestripError) -> None:
        jobs.fail_unstarted(name, error)

    def shown(pictures: clip.StripFacts) -> None:
        submit.spec_of("export", request, pictures, lambda spec: ask(spec, [key.frame for key in keys]), failed)

    def ask(spec: JobSpec, frames: Sequence[int]) -> None:
        asked = {"source": clip_to_json(spec.clip), "frames": list(frames[:AT_ONCE]), "folder": folder}
        more = {"first": first, "replace": replace, "editor": "blender"}
        jobs.board().transport.ask("export_keys", {**asked, **more}, lambda told: came(spec, frames, told), failed)

    def came(spec: JobSpec, frames: Sequence[int], told: Mapping[str, Any]) -> None:
        made.extend(told["keys"])
        if len(frames) > AT_ONCE:
            ask(spec, frames[AT_ONCE:])
        else:
            reports.say(outcome(strip_name, made, folder))

    strip_name = strip.name
    submit.pictured(scene, strip, name, facts.span, shown)


def outcome(name: str, made: Sequence[Mapping[str, Any]], folder: str) -> str:
    """What became of the keys, in one or two sentences."""
    painted = [os.path.basename(key["file"]) for key in made if key["outcome"] == "painted"]
    kept = [os.path.basename(key["kept"]) for key in made if key["kept"]]
    fresh = len(made) - len(painted)
    said = [f"{name}: {fresh} key{'' if fresh == 1 else 's'} to paint in {folder}, with a note."]
    if painted:
        said.append(f"Painted already, so left alone: {', '.join(painted)}.")
    if kept:
        said.append(f"The painted ones are kept as {', '.join(kept)}.")
    return " ".join(said)


class RESTRIP_OT_open_key(operators.Poll, bpy.types.Operator):
    """Open the picture of the keyframe under the playhead, or next to it, in the program that you paint in"""

    bl_idname = "restrip.open_key"
    bl_label = "Open Key in ..."
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    def execute(self, context: Any) -> set[str]:
        """Start the program named in the preferences; it isn't waited for."""
        scene = vse.edited_scene(context)
        try:
            path = picture_at(scene, operators.sources(context)[0])
            open_picture(path, prefs.paint_program())
        except RestripError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, f"{os.path.basename(path)} is opened")
        return {"FINISHED"}


def picture_at(scene: Any, strip: Any) -> str:
    """The picture of the key that is nearest to the playhead. Raises NoKeyPicture."""
    places = key_watch.places_of(scene, strip)
    keys = key_watch.keys_of(scene, strip, requests.absolute(schema.values_of(strip)))
    here = scene.frame_current - vse.span_of(strip).first
    key: Key = min(keys, key=lambda key: abs(key.frame - here))
    try:
        path = places.painted_as(key)
    except OSError as error:
        raise NoKeyPicture(places.folder, f"can't be listed: {(error.strerror or str(error)).lower()}") from error
    if not path:
        frame = vse.span_of(strip).first + key.frame
        raise NoKeyPicture("", f"has no picture yet: the keyframe at {frame}")
    return os.path.abspath(path)


def program_said() -> str:
    """The entry's words: "Open Key in krita"."""
    program = prefs.paint_program().strip().strip("\"'").replace("\\", "/")
    name = program.rpartition("/")[2].split(" -")[0]
    for ending in (".exe", ".app", ".appimage"):
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return f"Open Key in {name}" if name else "Open Key"


CLASSES = (RESTRIP_OT_export_keys, RESTRIP_OT_open_key)

register, unregister = bpy.utils.register_classes_factory(CLASSES)
