"""Run in Blender's Python: render a multilayer OpenEXR, then show it in the sequencer as shown.png."""

import json
import os
import sys

import bpy

OUT = sys.argv[1]


def render() -> str:
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 48, 32, 100
    scene.render.film_transparent = True
    scene.render.engine = "CYCLES"
    scene.cycles.samples, scene.cycles.device = 1, "CPU"
    scene.view_layers[0].use_pass_z = scene.view_layers[0].use_pass_normal = True
    settings = scene.render.image_settings
    settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.filepath = os.path.join(OUT, "layers.exr")
    bpy.ops.render.render(write_still=True)
    return "layers.exr"


def show(name: str) -> None:
    scene = bpy.data.scenes.new("edit")
    bpy.context.window.scene = scene
    scene.frame_start = scene.frame_end = 1
    scene.render.use_sequencer = True
    scene.view_settings.view_transform = "Standard"
    scene.sequencer_colorspace_settings.name = "sRGB"
    scene.render.dither_intensity = 0.0
    scene.render.film_transparent = True
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 48, 32, 100
    strip = scene.sequence_editor_create().strips.new_image("i", os.path.join(OUT, name), 1, 1)
    strip.blend_type = "REPLACE"
    settings = scene.render.image_settings
    settings.media_type = "IMAGE"
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGBA", "16"
    scene.render.filepath = os.path.join(OUT, "shown.png")
    bpy.ops.render.render(write_still=True)


rendered = render()
show(rendered)
print(json.dumps([rendered]))
sys.stdout.flush()
os._exit(0)
