"""Runs in a second, windowless Blender: renders one strip of a copied scene as pictures, alone and unaltered.

It is no part of the extension while that runs; rendering.py starts it with one argument, the JSON of `Wanted`.
"""

import json
import os
import sys
from typing import Any

import bpy


def main() -> None:
    """Render, saying after each frame how many are done."""
    wanted = json.loads(sys.argv[-1])
    with bpy.data.libraries.load(wanted["blend"]) as (_, into):
        into.scenes = [wanted["scene"]]
    scene = into.scenes[0]
    bpy.context.window.scene = scene
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    alone(scene, wanted["strip"])
    settle(scene, wanted["deep"], wanted["alpha"])
    for number, frame in enumerate(range(wanted["first"], wanted["end"])):
        scene.frame_set(frame)
        scene.render.filepath = os.path.join(wanted["folder"], f"f_{number:06d}.png")
        bpy.ops.render.render(write_still=True, scene=scene.name)
        print(f"RESTRIP {number + 1}", flush=True)


def alone(scene: Any, name: str) -> None:
    """Let nothing show but the strip, what it is made of, and the meta strips around it."""
    editor = scene.sequence_editor
    everything = list(editor.strips_all if "strips_all" in editor.bl_rna.properties else editor.sequences_all)
    strip = next(strip for strip in everything if strip.name == name)
    parents = [strip]
    while parents[-1].parent_meta() is not None:
        parents.append(parents[-1].parent_meta())
    parts, waiting = [], [strip]
    while waiting:
        part = waiting.pop()
        parts.append(part)
        waiting += [getattr(part, key, None) for key in ("input_1", "input_2") if getattr(part, key, None) is not None]
    for other in everything:
        if other in parts or other in parents:
            other.mute = False
        elif not _within(other, parts):
            other.mute = True
    fade_in_and_out = f'"{bpy.utils.escape_identifier(name)}"].blend_alpha'
    for curve in list(_curves(scene)):
        if curve.data_path.endswith(fade_in_and_out):
            curve.mute = True  # The result fades as the strip did: not twice.
    for shown in parents:
        shown.blend_type, shown.blend_alpha = "REPLACE", 1.0


def _curves(scene: Any) -> Any:
    data = scene.animation_data
    if data is None or data.action is None:
        return
    if "fcurves" in data.action.bl_rna.properties:
        yield from data.action.fcurves
        return
    for layer in data.action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from bag.fcurves


def _within(strip: Any, parts: list[Any]) -> bool:
    """Whether a strip lies, however deep, in one of these."""
    parent = strip.parent_meta()
    while parent is not None:
        if parent in parts:
            return True
        parent = parent.parent_meta()
    return False


def settle(scene: Any, deep: bool, alpha: bool) -> None:
    """Pictures as they lie in the sequencer: no view transform, no dither, no stamp, lossless."""
    render = scene.render
    render.resolution_percentage = 100
    render.use_sequencer, render.use_compositing = True, False
    for known in render.bl_rna.properties:
        if known.identifier.startswith("use_stamp"):
            setattr(render, known.identifier, False)  # Dates and times in the files would make equal pictures differ.
    render.use_border = render.use_multiview = False
    render.dither_intensity = 0.0
    render.use_file_extension = True
    view = scene.view_settings
    view.view_transform, view.look = "Standard", "None"
    view.exposure, view.gamma, view.use_curve_mapping = 0.0, 1.0, False
    image = render.image_settings
    if "media_type" in image.bl_rna.properties:
        image.media_type = "IMAGE"
    if "color_management" in image.bl_rna.properties:
        image.color_management = "FOLLOW_SCENE"
    image.file_format, image.compression = "PNG", 15
    image.color_depth = "16" if deep else "8"
    image.color_mode = "RGBA" if alpha else "RGB"


if __name__ == "__main__":
    status = 1
    try:
        main()
        status = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Without Blender's exit handlers, which crash or hang in some versions of the module.
        if status == 0:
            os._exit(0)
