"""Runs in a second, windowless Blender: renders one strip of a copied scene as pictures, alone and unaltered.

rendering.py starts it through outside.py, and reads what it says: "RESTRIP 3" after the third picture, at the end
"RESTRIP-DONE" with the folder in which they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from . import vse


def main(told: Mapping[str, Any]) -> None:
    """Render, then end without Blender's exit handlers, which crash or hang in some versions of the module."""
    status = 1
    try:
        home = render(told)
        print(f"RESTRIP-DONE {home}", flush=True)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def render(told: Mapping[str, Any]) -> Path:
    """Render all frames into a folder that is named by what is in it."""
    with bpy.data.libraries.load(told["blend"]) as (_, into):
        into.scenes = [told["scene"]]
        into.masks = [told["strip"]] if told["mask"] else []
    scene = into.scenes[0]
    bpy.context.window.scene = scene
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    name = masked(scene, into.masks[0], told["first"], told["end"]) if told["mask"] else told["strip"]
    alone(scene, name)
    settle(scene, told["deep"], told["alpha"])
    folder, content = Path(told["folder"]), hashlib.sha256()
    for number, frame in enumerate(range(told["first"], told["end"])):
        path = folder / f"f_{number:06d}.png"
        scene.frame_set(frame)
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        content.update(hashlib.sha256(path.read_bytes()).digest())
        print(f"RESTRIP {number + 1}", flush=True)
    (folder / "scene.blend").unlink()
    home = folder.with_name(content.hexdigest()[:32])
    if home.exists():
        shutil.rmtree(folder)
    else:
        folder.rename(home)
    return home


def masked(scene: Any, mask: Any, first: int, end: int) -> str:
    """The name of a new strip that shows a mask on each of these frames as it is then."""
    mask.frame_start, mask.frame_end = first, end
    name = f"{mask.name} (mask)"
    strip = vse.strips_of(scene.sequence_editor).new_mask(name=name, mask=mask, channel=vse.CHANNELS, frame_start=first)
    return str(strip.name)


def alone(scene: Any, name: str) -> None:
    """Let nothing show but the strip, what it is made of, and the meta strips around it."""
    everything = vse.every_strip(scene)
    strip = next(strip for strip in everything if strip.name == name)
    parents = [strip]
    while (parent := vse.parent_of(parents[-1])) is not None:
        parents.append(parent)
    parts, waiting = [], [strip]
    while waiting:
        part = waiting.pop()
        parts.append(part)
        waiting += vse.inputs_of(part)
    for other in everything:
        if other in parts or other in parents:
            other.mute = False
        elif not _within(other, parts):
            other.mute = True
    vse.mute_fade(scene, strip)  # The result fades as the strip did: not twice.
    for shown in parents:
        shown.blend_type, shown.blend_alpha = "REPLACE", 1.0


def _within(strip: Any, parts: list[Any]) -> bool:
    """Whether a strip lies, however deep, in one of these."""
    parent = vse.parent_of(strip)
    while parent is not None:
        if parent in parts:
            return True
        parent = vse.parent_of(parent)
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
