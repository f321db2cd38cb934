"""Sources that don't fill the frame, and several strips at once, with a real engine."""

import random

import bpy
import landing
import scenes
from line import begin, pump, select, sequencer_context

from restrip.timeline import FrameRange

FRAMES = 8


def composed(path: str, picture: str, values: dict, folder: str) -> dict:
    """Each kind of transparency over a coloured ground and under a title: the frame before and after."""
    scene = scenes.empty_scene(30, (178, 144))
    vse = scenes.addon("timeline.vse")
    ground(scene, "ground", 1, (0.1, 0.4, 0.8), FrameRange(-10, 600))
    told = {}
    for number, (name, change) in enumerate(KINDS.items()):
        start = 1 + 100 * number
        collection = scenes.top(scene)
        if name == "picture":
            strip = collection.new_image(name=name, filepath=picture, channel=2, frame_start=start)
        else:
            strip = scenes.add(scene, path, start, 2, name)
        vse.set_span(strip, FrameRange(start, start + FRAMES))
        strip.blend_type = "ALPHA_OVER"
        title = ground(scene, f"title {name}", 3, (0.9, 0.8, 0.1), FrameRange(start, start + 5))
        title.transform.scale_x, title.transform.scale_y = 0.2, 0.1
        change(strip)
        frames = (start + 1, start + 6)
        before = scenes.render(scene, frames, folder, f"{name}-before")
        job = begin(scene, name, values)
        pump(lambda job=job: job.stage == "placed")
        meta = next(other for other in scenes.top(scene) if other.restrip.result_of == job.job_id)
        told[name] = {
            "before": before,
            "after": scenes.render(scene, frames, folder, f"{name}-after"),
            "said": job.message,
            "format": [strip.file.rpartition(".")[2] for strip in job.manifest.strips],
            "order": [strip.channel, meta.channel, title.channel],
        }
    return told


def crop(strip) -> None:
    strip.crop.min_x, strip.crop.max_y, strip.transform.offset_x = 40, 30, -7


def small(strip) -> None:
    strip.transform.scale_x = strip.transform.scale_y = 0.45
    strip.transform.offset_x, strip.transform.offset_y, strip.transform.rotation = 30, -20, 0.2


def added(strip) -> None:
    strip.blend_type, strip.blend_alpha = "ADD", 0.6


def small_and_backwards(strip) -> None:
    small(strip)
    strip.use_reverse_frames = True


KINDS = {"crop": crop, "small": small, "added": added, "turned": small_and_backwards, "picture": lambda strip: None}


def ground(scene, name: str, channel: int, colour, span: FrameRange):
    made = landing.box(scene.sequence_editor, name, channel, span, random.Random(3))
    made.color, made.blend_type, made.blend_alpha, made.mute = colour, "ALPHA_OVER", 1.0, False
    made.transform.scale_x = made.transform.scale_y = 1.0
    made.transform.offset_x = made.transform.offset_y = 0
    return made


def several(path: str, values: dict) -> dict:
    """Two selected strips: one look for both, a job each; again, twice quickly: no second result."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, jobs, modules = scenes.addon("timeline.vse"), scenes.addon("jobs"), scenes.addon("values")
    strips = []
    for number, name in enumerate(("first", "second")):
        strip = scenes.add(scene, path, 1 + 100 * number, 1, name)
        vse.set_span(strip, FrameRange(1 + 100 * number, 9 + 100 * number))
        strips.append(strip)
    strips[1].restrip.values = modules.written({"look.neural": "3"})
    strips[0].restrip.values = modules.written(values)
    told = {}
    with sequencer_context(scene):
        select(scene, "first")
        told["alone"] = scenes.addon("ui.copy_look").RESTRIP_OT_copy_look.why_not(bpy.context)
        select(scene, "first", "second")
        assert bpy.ops.restrip.copy_look() == {"FINISHED"}
        told["looks"] = [dict(modules.read(strip.restrip.values)) for strip in strips]
        assert bpy.ops.restrip.stylize() == {"FINISHED"}
        told["jobs"] = [job.name for job in jobs.board().jobs.values()]
        running = list(jobs.board().jobs)
        told["running"] = [jobs.running(strip) is not None for strip in strips]
        assert bpy.ops.restrip.stylize() == {"FINISHED"}
        told["begun again"] = [job.name for job in jobs.board().jobs.values()]
        told["given up"] = not set(running) & set(jobs.board().jobs)
    pump(lambda: all(job.stage == "placed" for job in jobs.board().jobs.values()))
    told["placed"] = sorted(strip["name"] for strip in scenes.strips(scene) if strip["name"].endswith("restyled"))
    strips[0].restrip.values = modules.written({**values, "style_strength": 0.5})
    with sequencer_context(scene):
        select(scene, "first")
        assert bpy.ops.restrip.stylize() == {"FINISHED"}  # Not "again": a second one must not be stacked.
        pump(lambda: all(job.stage == "placed" for job in jobs.board().jobs.values()))
        told["again"] = sorted(strip["name"] for strip in scenes.strips(scene) if strip["name"].endswith("restyled"))
        meta = next(strip for strip in scenes.top(scene) if strip.name == "first restyled")
        takes = scenes.addon("timeline.takes")
        told["takes"] = [[take["take"] for take in takes.listed(meta)], meta.restrip.take]
        assert bpy.ops.restrip.show_take(take=1) == {"FINISHED"}
        told["back"] = [meta.restrip.take, strips[0].restrip.placed == meta.restrip.result_of]
        told["known"] = scenes.addon("timeline.results").on_timeline(list(jobs.board().jobs)[-1])
        assert bpy.ops.restrip.forget_takes() == {"FINISHED"}
        told["left"] = [[take["take"] for take in takes.listed(meta)], len(vse.strips_of(meta))]
    return told
