"""Run in Blender's Python: render frame 0 of each movie as the sequencer shows it, as PNG beside it."""

import json
import os
import sys

import bpy


def show(path: str, size: tuple[int, int]) -> None:
    scene = bpy.context.scene
    strips = scene.sequence_editor_create().strips
    for strip in list(strips):
        strips.remove(strip)
    scene.render.resolution_x, scene.render.resolution_y = size
    strips.new_movie("movie", path, 1, 1)
    scene.frame_set(1)
    scene.render.filepath = path + ".png"
    bpy.ops.render.render(write_still=True)


def main() -> None:
    scene = bpy.context.scene
    scene.render.resolution_percentage = 100
    scene.render.fps, scene.render.fps_base = 25, 1.0
    scene.frame_start = scene.frame_end = 1
    scene.render.use_sequencer = True
    scene.view_settings.view_transform = "Standard"
    scene.sequencer_colorspace_settings.name = "sRGB"
    scene.render.dither_intensity = 0.0
    settings = scene.render.image_settings
    settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "8"
    for path, size in json.loads(sys.argv[1]):
        show(path, tuple(size))


main()
sys.stdout.flush()
os._exit(0)  # bpy may hang while Python takes it down.
