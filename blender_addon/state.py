"""What a .blend file keeps: per strip its values and its job's id, per scene who it is. Live state is in jobs.py.

Undo rewinds what is here, so nothing here says how far a job is.
"""

import uuid
from typing import Any

import bpy
from bpy.props import BoolProperty, IntProperty, PointerProperty, StringProperty

from .timeline import vse


class RestripStrip(bpy.types.PropertyGroup):
    """What Restrip knows of a strip.

    On a source: its values, the id of its newest job and where its content lay when that was handed in, the id of the
    job whose result was placed, the degrees by which the file says that it is to be turned, and its own colour tag
    while a notice is on it. On a result: the id of its job, its takes (see takes.py), where it was placed, and that it
    is marked as a draft, with the colour that it had before (see drafts.py). On both: their tie (see ties.py). Inside a
    result, on each strip: its take; on a key's strip: how far its key lies behind the source's content start, and
    behind its own; on a crossfade: where it was placed (see fades.py). Wherever Restrip muted a strip: that it did.
    `muted`, the names of the strips that a result muted, is read in older files.
    """

    values: StringProperty()
    job: StringProperty()
    start: IntProperty()
    rendered: BoolProperty()
    placed: StringProperty()
    turned: IntProperty()
    tag_before: StringProperty()
    result_of: StringProperty()
    muted: StringProperty()
    tie: StringProperty()
    hid: BoolProperty()
    take: IntProperty()
    takes: StringProperty()
    key_at: IntProperty()
    key_in: IntProperty()
    laid: StringProperty()
    drafted: BoolProperty()


class RestripScene(bpy.types.PropertyGroup):
    """What Restrip knows of a scene.

    The name under which the engine knows it, pictures painted for markers, and the folder of its results where that is
    asked for.
    """

    project: StringProperty()
    images: StringProperty()
    folder: StringProperty(
        name="Results in", description="The folder that the results of this file are written to", subtype="DIR_PATH"
    )


def project_of(scene: Any) -> str:
    """The scene's name for the engine, made when it has none. Not to be called while drawing."""
    if not scene.restrip.project:
        scene.restrip.project = f"blender-{uuid.uuid4().hex[:12]}"
    return str(scene.restrip.project)


def register() -> None:
    """Make the properties known."""
    bpy.utils.register_class(RestripStrip)
    bpy.utils.register_class(RestripScene)
    vse.strip_type().restrip = PointerProperty(type=RestripStrip)
    vse.scene_type().restrip = PointerProperty(type=RestripScene)


def unregister() -> None:
    """Forget them; what files hold stays in the files."""
    del vse.scene_type().restrip
    del vse.strip_type().restrip
    bpy.utils.unregister_class(RestripScene)
    bpy.utils.unregister_class(RestripStrip)
