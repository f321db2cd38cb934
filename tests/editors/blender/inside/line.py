"""The whole line: a strip with markers, the operator, a real engine, the result on the timeline."""

import time

import bpy
import scenes


def sequencer_context(scene):
    """What the operators get in a sequencer; the module has a window without one."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    region = next(region for region in area.regions if region.type == "WINDOW")
    return bpy.context.temp_override(window=window, area=area, region=region)


def select(scene, *names: str) -> None:
    for strip in scenes.top(scene):
        strip.select = strip.name in names
        if strip.name == names[0]:
            scene.sequence_editor.active_strip = strip


def pump(until, limit_s: float = 240.0) -> None:
    """What Blender's timer does, until something is so."""
    jobs = scenes.addon("jobs")
    end = time.monotonic() + limit_s
    while not until():
        jobs.tick()
        time.sleep(0.02)
        live = [job.__dict__ for job in jobs.board().jobs.values()]
        assert time.monotonic() < end, live
        assert not any(job["stage"] == "failed" for job in live), [(job["error"], job["error"].detail) for job in live]


def all_placed() -> bool:
    return all(job.stage == "placed" for job in scenes.addon("jobs").board().jobs.values())


def stylize(
    path: str, folder: str, trim, marks, values: dict, size, fps: int = 25, fps_base: float = 1.0, start: int = 11
) -> dict:
    scene = scenes.empty_scene(fps, size, fps_base)
    strip = scenes.add(scene, path, start)
    vse = scenes.addon("vse")
    span = vse.span_of(strip)
    vse.set_span(strip, vse.FrameRange(span.first + trim[0], span.end - trim[1]))
    strip.restrip.values = scenes.addon("values").written(values)
    scenes.mark(scene, marks)
    select(scene, "shot")
    before = (scene.render.fps, scene.render.fps_base, tuple(size))
    with sequencer_context(scene):
        assert bpy.ops.restrip.stylize() == {"FINISHED"}
    pump(all_placed)
    (job,) = scenes.addon("jobs").board().jobs.values()
    shown = vse.span_of(strip)
    assert before == (scene.render.fps, scene.render.fps_base, vse.size_of(scene))
    return {
        "manifest": job.manifest.to_json(),
        "message": job.message,
        "strips": scenes.strips(scene),
        "markers": [[mark.name, mark.frame] for mark in scene.timeline_markers],
        "span": [shown.first, shown.end],
        "pictures": scenes.render(scene, shown, folder),
    }
