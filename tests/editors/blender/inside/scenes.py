"""Timelines for the tests, built and looked at with bpy alone."""

import importlib
from pathlib import Path

import bpy

ADDON = "bl_ext.user_default.restrip"


def addon(name: str):
    """A module of the installed extension."""
    return importlib.import_module(f"{ADDON}.{name}")


def empty_scene(fps: int = 25, size=(320, 180), fps_base: float = 1.0):
    """The edited scene with an empty sequence, and pictures come out as they lie in the sequencer."""
    scene = bpy.context.scene
    if hasattr(bpy.context, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    scene.render.fps, scene.render.fps_base = fps, fps_base
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.view_settings.view_transform = "Standard"
    editor = scene.sequence_editor_create()
    # With a stretched movie Blender 5.0's own cache shows a frame twice, depending on what was shown before.
    editor.use_cache_raw = False
    return scene


def top(scene):
    editor = scene.sequence_editor
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def add(scene, path: str, start: int = 1, channel: int = 1, name: str = "shot"):
    """A movie strip, frame by frame as `new_movie` makes it."""
    return top(scene).new_movie(name=name, filepath=path, channel=channel, frame_start=start)


def add_stretched(scene, path: str, start: int = 1, channel: int = 1):
    """A movie strip as the user adds it with "use movie framerate" off: stretched to the scene's rate."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    options = {"filepath": path, "frame_start": start, "channel": channel, "use_framerate": False, "sound": False}
    operator = bpy.ops.sequencer.movie_strip_add
    if "move_strips" in operator.get_rna_type().properties:
        options["move_strips"] = False
    with bpy.context.temp_override(window=window, area=area, region=region):
        operator(**options)
    return next(strip for strip in top(scene) if strip.channel == channel)


def mark(scene, frames, names=()):
    for number, frame in enumerate(frames):
        scene.timeline_markers.new(names[number] if number < len(names) else f"F_{frame}", frame=frame)


def effect(scene, name: str, kind: str, source, channel: int):
    """An effect strip on one input, over the whole of it."""
    span = addon("timeline.vse").span_of(source)
    known = top(scene).bl_rna.functions["new_effect"].parameters.keys()
    first = "input1" if "input1" in known else "seq1"
    length = {"length": len(span)} if "length" in known else {"frame_end": span.end}
    return top(scene).new_effect(
        name=name, type=kind, channel=channel, frame_start=span.first, **{first: source}, **length
    )


def render(scene, frames, folder: str, name: str = "out") -> list[str]:
    """The sequence's frames as PNG files."""
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.compression = "PNG", "RGB", 0
    paths = []
    for frame in frames:
        scene.frame_set(frame)
        scene.render.filepath = str(Path(folder) / f"{name}_{frame:05d}.png")
        bpy.ops.render.render(write_still=True)
        paths.append(scene.render.filepath)
    return paths


def strips(scene) -> list[dict]:
    """All strips as facts."""
    editor = scene.sequence_editor
    found = editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all
    vse = addon("timeline.vse")
    return [
        {
            "name": strip.name,
            "type": strip.type,
            "channel": strip.channel,
            "span": [vse.span_of(strip).first, vse.span_of(strip).end],
            "mute": strip.mute,
        }
        for strip in found
    ]
