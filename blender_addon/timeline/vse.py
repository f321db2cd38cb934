"""The one door to Blender's sequencer: hides what differs between Blender 4.2 and 5.2.

It asks RNA what there is, never the version number. bpy has no types, so strips, scenes and contexts are `Any` here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from restrip.errors import RestripError
from restrip.timeline import FrameRange, Rate

Strip = Any
Scene = Any
Owner = Any
"""What holds strips: a scene's sequence editor, or a meta strip."""

CHANNELS = 128
"""Blender's own bound."""
ONE_INPUT = ("SPEED", "GLOW", "TRANSFORM", "GAUSSIAN_BLUR")
"""The effects that change one strip's picture."""


class MediaUnreadable(RestripError):
    """Blender can't show a movie that should become a strip."""

    code = "media-unreadable"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"Blender can't read {path}.",
            "Look whether the file is still there, or stylize the strip again.",
            path=path,
        )


def has(thing: Any, name: str) -> bool:
    """Whether RNA knows the property `name` of a thing or of a type."""
    return name in thing.bl_rna.properties


def edited_scene(context: Any) -> Scene:
    """The scene whose sequence the user edits."""
    return getattr(context, "sequencer_scene", None) or context.scene


def strips_of(owner: Owner) -> Any:
    """The collection of strips that lie directly in an editor or in a meta strip."""
    return owner.strips if has(owner, "strips") else owner.sequences


def every_strip(scene: Scene) -> list[Strip]:
    """All strips of a scene, those in meta strips too."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    return list(editor.strips_all if has(editor, "strips_all") else editor.sequences_all)


def count_strips(scene: Scene) -> int:
    """How many strips a scene has, those in meta strips too; quick enough for the timer."""
    editor = scene.sequence_editor
    if editor is None:
        return 0
    return len(editor.strips_all if has(editor, "strips_all") else editor.sequences_all)


def collection_of(scene: Scene) -> str:
    """The name under which a scene's sequence editor has all strips."""
    return "strips_all" if has(scene.sequence_editor, "strips_all") else "sequences_all"


def active_strip(scene: Scene) -> Strip | None:
    """The strip that the user clicked last."""
    return scene.sequence_editor.active_strip if scene.sequence_editor else None


def set_active_strip(scene: Scene, strip: Strip | None) -> None:
    """Make a strip the active one."""
    scene.sequence_editor.active_strip = strip


def selected_strips(context: Any) -> list[Strip]:
    """What is selected in the sequencer, in time order."""
    for name in ("selected_strips", "selected_sequences"):
        found = getattr(context, name, None)
        if found is not None:
            break
    else:
        found = [strip for strip in every_strip(edited_scene(context)) if strip.select]
    return sorted(found, key=lambda strip: (span_of(strip).first, strip.channel))


def parent_of(strip: Strip) -> Strip | None:
    """The meta strip that holds `strip`; None on the top level."""
    return strip.parent_meta()


def owner_of(scene: Scene, strip: Strip) -> Owner:
    """The meta strip that holds `strip`, or the scene's sequence editor."""
    return parent_of(strip) or scene.sequence_editor


def span_of(strip: Strip) -> FrameRange:
    """The timeline frames that a strip covers."""
    if has(strip, "left_handle"):
        return FrameRange(int(strip.left_handle), int(strip.right_handle))
    return FrameRange(int(strip.frame_final_start), int(strip.frame_final_end))


def set_span(strip: Strip, span: FrameRange) -> None:
    """Trim a strip's ends to these timeline frames; its content stays where it is."""
    first, end = (
        ("left_handle", "right_handle") if has(strip, "left_handle") else ("frame_final_start", "frame_final_end")
    )
    # The later end first: an end that is moved past the other would push it.
    for name, frame in ((end, span.end), (first, span.first), (end, span.end)):
        setattr(strip, name, frame)


def content_start(strip: Strip) -> float:
    """The timeline frame on which the untrimmed content begins."""
    return float(strip.content_start if has(strip, "content_start") else strip.frame_start)


def content_length(strip: Strip) -> int:
    """How many timeline frames the untrimmed content covers, by whatever rate Blender plays it."""
    before, after = (
        (strip.left_handle_offset, strip.right_handle_offset)
        if has(strip, "left_handle_offset")
        else (strip.frame_offset_start, strip.frame_offset_end)
    )
    trimmed: float = before + after
    return len(span_of(strip)) + round(trimmed)


def skipped(strip: Strip) -> int:
    """How many frames of a movie are hidden before its content begins."""
    return int(strip.content_trim_start if has(strip, "content_trim_start") else strip.animation_offset_start)


def move(strip: Strip, by: int) -> None:
    """Move a strip, trims and all, by so many frames."""
    if has(strip, "content_start"):
        strip.content_start += by
    else:
        strip.frame_start += by


def rate_of(scene: Scene) -> Rate:
    """The scene's frames a second."""
    return Rate(scene.render.fps / Fraction(float(scene.render.fps_base)).limit_denominator(10_000))


def size_of(scene: Scene) -> tuple[int, int]:
    """The canvas, in pixels."""
    return int(scene.render.resolution_x), int(scene.render.resolution_y)


def channels_of(owner: Owner) -> Any:
    """The channels of an editor or a meta strip by their number, each with name, mute and lock."""
    return owner.channels


def add_meta(owner: Owner, name: str, channel: int, start: int) -> Strip:
    """An empty meta strip; `close_meta` gives it its length once it is filled."""
    meta = strips_of(owner).new_meta(name=name, channel=channel, frame_start=start)
    meta.select = False
    return meta


def close_meta(meta: Strip, span: FrameRange) -> None:
    """Let a meta strip that was filled show `span` of what is in it."""
    set_span(meta, span)


def kept_path(path: str) -> str:
    """A file's path as the .blend keeps it: from the file's own folder where it lies in there."""
    own = Path(bpy.data.filepath).parent if bpy.data.filepath else None
    if own is None or not Path(path).is_relative_to(own):
        return path
    return f"//{os.path.relpath(path, own)}"


def add_movie(owner: Owner, name: str, path: str, channel: int, start: int) -> Strip:
    """A movie strip that begins at `start`, in its own size. Raises MediaUnreadable."""
    strip = strips_of(owner).new_movie(
        name=name, filepath=kept_path(path), channel=channel, frame_start=start, fit_method="ORIGINAL"
    )
    if 0 in media_size(strip):  # Not `fps`, for which Blender would open the file once more.
        strips_of(owner).remove(strip)
        raise MediaUnreadable(path)
    return strip


def add_pictures(owner: Owner, name: str, folder: str, channel: int, start: int) -> Strip:
    """A strip of all pictures in a folder, one a frame, by their names. Raises MediaUnreadable."""
    files = sorted(path for path in Path(folder).iterdir() if path.is_file())
    if not files:
        raise MediaUnreadable(folder)
    strip = strips_of(owner).new_image(
        name=name, filepath=kept_path(str(files[0])), channel=channel, frame_start=start, fit_method="ORIGINAL"
    )
    for file in files[1:]:
        strip.elements.append(file.name)
    set_span(strip, FrameRange(start, start + len(files)))
    return strip


def add_cross(owner: Owner, name: str, channel: int, pair: tuple[Strip, Strip], fade: FrameRange) -> Strip:
    """A crossfade over the frames in which the two strips of `pair` overlap; Blender takes its range from them."""
    collection = strips_of(owner)
    known = collection.bl_rna.functions["new_effect"].parameters.keys()
    first, second = ("input1", "input2") if "input1" in known else ("seq1", "seq2")
    length = {"length": len(fade)} if "length" in known else {"frame_end": fade.end}
    return collection.new_effect(
        name=name, type="CROSS", channel=channel, frame_start=fade.first, **{first: pair[0], second: pair[1]}, **length
    )


def turns_movies() -> bool:
    """Whether Blender shows a movie turned as its file says. It does since strips are called strips, in 4.4."""
    return hasattr(bpy.types, "Strip")


_rates: dict[tuple[str, int], float] = {}


def media_fps(strip: Strip, path: str) -> float:
    """The frames a second of a movie strip's file as Blender reads them; 0 when it can't.

    Blender opens the file each time it is asked, so what it said is kept as long as the file stays the same.
    """
    try:
        key = path, Path(path).stat().st_mtime_ns
    except OSError:
        return 0.0
    if key not in _rates:
        _rates[key] = float(strip.fps)
    return _rates[key]


def media_size(strip: Strip) -> tuple[int, int]:
    """The pixels of a movie's or picture's frame as Blender shows it; (0, 0) for other strips."""
    element = strip.elements[0] if has(strip, "elements") and len(strip.elements) else None
    return (element.orig_width, element.orig_height) if element is not None else (0, 0)


def split(strip: Strip, frame: int) -> Strip:
    """Cut a strip in two; returns the right piece, which holds the same content."""
    return strip.split(frame=frame, split_method="SOFT")


def animated(scene: Scene, strip: Strip) -> frozenset[str]:
    """The properties of a strip that have keyframes or drivers, such as "transform.offset_x" or "blend_alpha"."""
    prefix = strip.path_from_id() + "."
    curves = [curve for curve in _curves(scene.animation_data) if curve.data_path.startswith(prefix)]
    return frozenset(curve.data_path.removeprefix(prefix) for curve in curves)


def copy_fade(scene: Scene, source: Strip, target: Strip) -> None:
    """Give a strip the opacity of another, with its keyframes."""
    target.blend_alpha = source.blend_alpha
    for curve in _fades_of(scene, source):
        for point in curve.keyframe_points:
            target.blend_alpha = point.co[1]
            target.keyframe_insert("blend_alpha", frame=point.co[0])


def mute_fade(scene: Scene, strip: Strip) -> None:
    """Let the keyframes of a strip's opacity have no effect."""
    for curve in _fades_of(scene, strip):
        curve.mute = True


def _fades_of(scene: Scene, strip: Strip) -> list[Any]:
    path = f"{strip.path_from_id()}.blend_alpha"
    return [curve for curve in _curves(scene.animation_data) if curve.data_path == path]


def _curves(data: Any) -> Iterator[Any]:
    if data is None:
        return
    yield from data.drivers
    if data.action is None:
        return
    if has(data.action, "fcurves"):
        yield from data.action.fcurves
        return
    for layer in data.action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def remove(owner: Owner, strip: Strip) -> None:
    """Delete a strip, with what is in it."""
    strips_of(owner).remove(strip)


def inputs_of(effect: Strip) -> list[Strip]:
    """The strips that an effect strip works on; none for other strips."""
    names = ("input_1", "input_2")
    return [getattr(effect, name) for name in names if has(effect, name) and getattr(effect, name) is not None]


def replace_input(effect: Strip, old: Strip, new: Strip) -> None:
    """Let an effect strip work on `new` where it worked on `old`."""
    for name in ("input_1", "input_2"):
        if has(effect, name) and getattr(effect, name) == old:
            setattr(effect, name, new)


def base_of(strip: Strip) -> Strip:
    """The strip at the bottom of a chain of effects with one input each: the one that keeps the chain's settings."""
    while strip.type in ONE_INPUT and inputs_of(strip):
        strip = inputs_of(strip)[0]
    return strip


def effects_on(scene: Scene, strip: Strip) -> list[Strip]:
    """The effect strips that have `strip` as an input."""
    return [other for other in every_strip(scene) if any(given == strip for given in inputs_of(other))]


def retimed(strip: Strip) -> bool:
    """Whether the strip's speed was changed by retiming keys."""
    return has(strip, "retiming_keys") and len(strip.retiming_keys) > 0


def scene_type() -> Any:
    """The RNA type of scenes, to which properties are added."""
    return bpy.types.Scene


def own_operators() -> Any:
    """Our operators: `bpy.ops` has them once they are registered."""
    ops: Any = bpy.ops
    return ops.restrip


def strip_type() -> Any:
    """The RNA type that all strips share."""
    types: Any = bpy.types  # Sequence is what Strip was called up to 4.3.
    return types.Strip if hasattr(types, "Strip") else types.Sequence


def sequencer_areas(context: Any) -> Iterator[Any]:
    """Every sequencer that is on a screen."""
    for window in context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "SEQUENCE_EDITOR")


def redraw(context: Any) -> None:
    """Have the sequencers' sidebars and the status bar drawn again; what changes on the timeline draws itself."""
    for area in sequencer_areas(context):
        for region in area.regions:
            if region.type == "UI":
                region.tag_redraw()
    # The status bar is on no screen. Setting its text, to none, is the one way to have it drawn; not while a running
    # operator may have put its own text there.
    others = (op for op in _modal_operators(context) if not op.bl_idname.startswith("RESTRIP_OT"))
    if context.workspace is not None and not any(True for _ in others):
        context.workspace.status_text_set(None)


def _modal_operators(context: Any) -> Iterator[Any]:
    for window in context.window_manager.windows:
        if has(window, "modal_operators"):
            yield from window.modal_operators


def busy(context: Any) -> bool:
    """Whether Blender renders, or the user is in the middle of a drag: nothing may be inserted then."""
    if bpy.app.is_job_running("RENDER"):
        return True
    return any(op.bl_idname.startswith(("SEQUENCER_OT", "TRANSFORM_OT")) for op in _modal_operators(context))
