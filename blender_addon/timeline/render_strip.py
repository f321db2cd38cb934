"""Runs in a second, windowless Blender: renders one strip of a copied scene as pictures, alone and unaltered.

What is transparent stays so: a strip that is cropped, small or see-through lies over what is below it as before.

rendering.py starts it through outside.py, and reads what it says: "RESTRIP 3" after the third picture, at the end
"RESTRIP-DONE" with the folder in which they are.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import traceback
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from restrip.timeline import FrameRange

from . import vse

ROUNDED = 3.5 / 255
"""What alpha may lack of 1 in an opaque picture: Blender 4.2's blur adds up rounded weights, and leaves 253 of 255."""


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
    libraries: Any = bpy.data.libraries
    with libraries.load(told["blend"]) as (_, into):
        into.scenes = [told["scene"]]
        into.masks = [told["strip"]] if told["mask"] else []
    scene = into.scenes[0]
    bpy.context.window.scene = scene
    if hasattr(bpy.context.workspace, "sequencer_scene"):
        bpy.context.workspace.sequencer_scene = scene
    span = FrameRange(told["first"], told["end"])
    name = masked(scene, into.masks[0], span) if told["mask"] else told["strip"]
    strip = alone(scene, name, span)
    settle(scene, told["deep"], told["alpha"])
    folder, content = Path(told["folder"]), hashlib.sha256()
    paths = [folder / f"f_{number:06d}.png" for number in range(len(span))]
    clear, steady = False, fills(scene, strip)
    for number, (frame, path) in enumerate(zip(span, paths, strict=True)):
        scene.frame_set(frame)
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True, scene=scene.name)
        clear = clear or (told["alpha"] and (number == 0 or not steady) and transparent(path))
        print(f"RESTRIP {number + 1}", flush=True)
    opaque = told["alpha"] and not clear
    if opaque:
        scene.render.image_settings.color_mode = "RGB"
    for path in paths:
        if opaque:
            flatten(scene, path)
        content.update(hashlib.sha256(path.read_bytes()).digest())
    (folder / "scene.blend").unlink()
    home = folder.with_name(content.hexdigest()[:32])
    if home.exists():
        shutil.rmtree(folder)
    else:
        folder.rename(home)
    return home


def masked(scene: Any, mask: Any, span: FrameRange) -> str:
    """The name of a new strip that shows a mask on each of these frames as it is then."""
    mask.frame_start, mask.frame_end = span.first, span.end
    name, free = f"{mask.name} (mask)", vse.CHANNELS
    strip = vse.strips_of(scene.sequence_editor).new_mask(name=name, mask=mask, channel=free, frame_start=span.first)
    return str(strip.name)


def alone(scene: Any, name: str, span: FrameRange) -> Any:
    """Let nothing show but the strip, what it is made of, and the meta strips around it; returns the strip."""
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
        for channel in vse.channels_of(vse.owner_of(scene, shown)):
            channel.mute = False
    for parent in reversed(parents[1:]):  # With a frame on which nothing shows, Blender renders the 3D scene.
        held = vse.span_of(parent)
        vse.set_span(parent, FrameRange(min(held.first, span.first), max(held.end, span.end)))
    return strip


def fills(scene: Any, strip: Any) -> bool:
    """Whether a strip covers the canvas on all frames alike: then its first picture says whether it is transparent."""
    if strip.type != "MOVIE" or vse.animated(scene, strip) - {"blend_alpha"}:
        return False
    size, canvas, placed, crop = vse.media_size(strip), vse.size_of(scene), strip.transform, strip.crop
    cut = any((crop.min_x, crop.max_x, crop.min_y, crop.max_y))
    moved = any((placed.offset_x, placed.offset_y, placed.rotation))
    covers = size[0] * placed.scale_x >= canvas[0] and size[1] * placed.scale_y >= canvas[1]
    return covers and not cut and not moved and not any(not modifier.mute for modifier in strip.modifiers)


def transparent(path: Path) -> bool:
    """Whether a picture is anywhere less than opaque, by more than an effect's rounding."""
    image: Any = bpy.data.images.load(str(path))
    pixels = array("f", bytes(4 * len(image.pixels)))
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    return min(pixels[3::4]) < 1 - ROUNDED  # Not every Blender has numpy.


def flatten(scene: Any, path: Path) -> None:
    """Write an opaque picture without its transparency, which would cost the result its format."""
    image: Any = bpy.data.images.load(str(path))
    image.save_render(str(path), scene=scene)
    bpy.data.images.remove(image)


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
