"""The whole line: a strip with markers, the operator, a real engine, the result on the timeline."""

import os
import signal
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


def begin(scene, name: str, values: dict, replace: bool = False):
    """Run the operator on a strip; the job that it began."""
    jobs = scenes.addon("jobs")
    strip = next(strip for strip in scenes.top(scene) if strip.name == name)
    strip.restrip.values = scenes.addon("values").written(values)
    select(scene, name)
    with sequencer_context(scene):
        operator = bpy.ops.restrip.stylize_again if replace else bpy.ops.restrip.stylize
        assert operator() == {"FINISHED"}
    return list(jobs.board().jobs.values())[-1]


def fade_of(scene, name: str) -> list:
    vse = scenes.addon("timeline.vse")
    span = vse.span_of(next(strip for strip in vse.every_strip(scene) if strip.name == name))
    return [span.first, span.end]


def place_of(scene, name: str) -> list:
    found = [strip for strip in scenes.strips(scene) if strip["name"] == name]
    assert len(found) == 1, scenes.strips(scene)
    return [found[0]["channel"], *found[0]["span"]]


def changed_meanwhile(path: str, values: dict, folder: str) -> dict:
    """Strips that are moved, trimmed, deleted, split and reopened while their jobs run; and stylizing again."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, jobs = scenes.addon("timeline.vse"), scenes.addon("jobs")
    told: dict = {}

    def lay(name: str, start: int, channel: int = 1):
        strip = scenes.add(scene, path, start, channel, name)
        vse.set_span(strip, vse.FrameRange(start, start + 12))
        return strip

    moved = lay("moved", 1)
    job = begin(scene, "moved", values)
    vse.move(moved, 100)
    vse.set_span(moved, vse.FrameRange(103, 113))
    pump(lambda: job.stage == "placed")
    told["moved"] = place_of(scene, "moved restyled")

    gone = lay("gone", 201)
    blocker = lay("blocker", 210, 1)
    scenes.top(scene).remove(blocker)
    job = begin(scene, "gone", values)
    scenes.top(scene).remove(gone)
    lay("other", 205, 1)
    pump(lambda: job.stage == "placed")
    told["gone"], told["gone said"] = place_of(scene, "gone restyled"), job.message

    again = lay("again", 301)
    marks = [scene.timeline_markers.new("K", frame=frame) for frame in (302, 305, 308, 311)]
    first = begin(scene, "again", values)
    pump(lambda: first.stage == "placed")
    told["first"] = place_of(scene, "again restyled")
    marks[1].frame = 306
    pulled = next(strip for strip in vse.every_strip(scene) if strip.name == "fade 3 to 4")
    before = vse.span_of(pulled)
    inner = vse.inputs_of(pulled)[0]
    vse.set_span(inner, vse.FrameRange(vse.span_of(inner).first, vse.span_of(inner).end - 1))
    told["fades"] = [[before.first, before.end], fade_of(scene, "fade 3 to 4")]
    second = begin(scene, "again", values, replace=True)
    pump(lambda: second.stage == "placed")
    told["fades"].append(fade_of(scene, "fade 3 to 4"))
    third = begin(scene, "again", values, replace=True)
    pump(lambda: third.stage == "placed")
    told["fades"].append(fade_of(scene, "fade 3 to 4"))
    mine = [job.job_id for job in (first, second, third)]
    metas = [strip for strip in scenes.top(scene) if strip.restrip.result_of in mine]
    told["again"] = [[vse.span_of(meta).first, vse.span_of(meta).end, meta.channel] for meta in metas]
    told["counts"] = [dict(first.manifest.counts), dict(second.manifest.counts)]
    told["muted"] = again.mute
    select(scene, "again")
    with sequencer_context(scene):
        bpy.ops.restrip.remove_result()
    told["removed"] = [again.mute, again.restrip.placed, [s.name for s in scenes.top(scene) if "again" in s.name]]

    blend = folder + "/later.blend"
    lay("later", 401)
    job = begin(scene, "later", values)
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.read_homefile(use_empty=True)
    pump(lambda: job.stage == "waiting")
    for _ in range(5):
        jobs.tick()
    other = bpy.context.scene
    told["in another file"] = [] if other.sequence_editor is None else scenes.strips(other)
    jobs.board().jobs.clear()  # As a new Blender would begin.
    bpy.ops.wm.open_mainfile(filepath=blend)
    (job,) = jobs.board().jobs.values()
    pump(lambda: job.stage == "waiting")
    for _ in range(5):
        jobs.tick()
    scene = bpy.context.scene
    told["offered"] = [job.name, job.stage, [s["name"] for s in scenes.strips(scene) if "later" in s["name"]]]
    with sequencer_context(scene):
        assert bpy.ops.restrip.place(job_id=job.job_id) == {"FINISHED"}
    told["placed"] = place_of(scene, "later restyled")
    said: list = []
    jobs.board().transport.ask("settings", {"etag": ""}, said.append, said.append)
    pump(lambda: bool(said))  # Until the engine has heard of it.
    return told


def keyframes(path: str, painted: str, values: dict) -> dict:
    """Keyframes suggested, one painted by hand, one with a prompt; and a sheet of one seed's picture."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, jobs = scenes.addon("timeline.vse"), scenes.addon("jobs")
    strip = scenes.add(scene, path, 51, 1, "shot")
    vse.set_span(strip, vse.FrameRange(51, 81))
    select(scene, "shot")
    with sequencer_context(scene):
        assert bpy.ops.restrip.suggest(count=2) == {"FINISHED"}
    pump(lambda: any(job.stage == "placed" for job in jobs.board().jobs.values()))
    suggested = [[mark.frame, mark.name] for mark in scene.timeline_markers]
    scene.frame_set(60)
    with sequencer_context(scene):
        assert bpy.ops.restrip.key_image(filepath=painted) == {"FINISHED"}
    scene.timeline_markers.new("K: a hare at night", frame=70)
    job = begin(scene, "shot", values)
    pump(lambda: job.stage == "placed")
    return {
        "suggested": suggested,
        "markers": [[mark.frame, mark.name] for mark in scene.timeline_markers],
        "keys": [[made.key.frame, made.key.image, made.key.prompt] for made in job.manifest.keys],
        "reported": job.message,
    }


def refused(path: str, values: dict) -> dict:
    """A job that the engine refuses, one whose file is gone, and what the operators say when they can't run."""
    scene = scenes.empty_scene(30, (176, 144))
    jobs, joblist = scenes.addon("jobs"), scenes.addon("ui.joblist")
    scenes.add(scene, path, 1, 1, "shot")
    job = begin(scene, "shot", values)
    end = time.monotonic() + 120
    while job.stage != "failed":
        assert time.monotonic() < end
        jobs.tick()
        time.sleep(0.02)
    told = {"error": [job.error.code, job.error.message, job.error.remedy], "details": joblist.details(job)}
    operators = scenes.addon("ui.operators")
    with sequencer_context(scene):
        told["can"] = operators.RESTRIP_OT_stylize.why_not(bpy.context)
        told["no result"] = operators.RESTRIP_OT_remove_result.why_not(bpy.context)
        told["no seeds"] = scenes.addon("ui.seeds").RESTRIP_OT_seeds.why_not(bpy.context)
        for strip in scenes.top(scene):
            strip.select = False
        told["nothing"] = operators.RESTRIP_OT_stylize.why_not(bpy.context)
        told["poll"] = bpy.ops.restrip.stylize.poll()
    return told


def rendered(path: str, values: dict, folder: str) -> dict:
    """A cropped strip: rendered by a second Blender, then stylized, then placed over the whole canvas."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, submit = scenes.addon("timeline.vse"), scenes.addon("engine.submit")
    strip = scenes.add(scene, path, 51, 1, "shot")
    vse.set_span(strip, vse.FrameRange(61, 71))
    strip.crop.min_x = 88
    strip.transform.offset_x = -20
    source = scenes.render(scene, (65,), folder)
    job = begin(scene, "shot", values)
    stages = [job.stage]
    pump(lambda: job.stage == "placed")
    inner = next(s for s in vse.every_strip(scene) if s.name == "key 1")
    transform = [inner.transform.scale_x, inner.transform.offset_x]  # Its strip is gone after the second time.
    said = submit.said_at_start(job)
    first = [list(job.manifest.clip.paths), job.stage]
    again = begin(scene, "shot", values, replace=True)
    pump(lambda: again.stage == "placed")
    return {
        "stages": stages,
        "said": said,
        "place": place_of(scene, "shot restyled"),
        "transform": transform,
        "source": source,
        "result": scenes.render(scene, (65,), folder),
        "same pictures": first[0] == list(again.manifest.clip.paths),
        "counts": dict(again.manifest.counts),
    }


def effects(path: str, values: dict, folder: str) -> dict:
    """A strip with a speed effect, one of another scene, and one with a modifier, each to its end; in one file."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, submit = scenes.addon("timeline.vse"), scenes.addon("engine.submit")
    told: dict = {}

    def lay(where, name: str, start: int):
        strip = scenes.add(where, path, start, 1, name)
        vse.set_span(strip, vse.FrameRange(start, start + 20))
        return strip

    lay(scene, "fast", 1)
    fast = scenes.effect(scene, "fast speed", "SPEED", next(s for s in scenes.top(scene) if s.name == "fast"), 2)
    fast.speed_control, fast.speed_factor = "MULTIPLY", 2.0
    other = bpy.data.scenes.new("other")
    other.render.resolution_x, other.render.resolution_y, other.render.fps = 176, 144, 30
    other.sequence_editor_create()
    other.frame_start, other.frame_end = 1, 20
    lay(other, "within", 1).use_flip_x = True
    inserted = scenes.top(scene).new_scene(name="inserted", scene=other, channel=1, frame_start=101)
    inserted.scene_input = "SEQUENCER"
    names = {"fast": "fast speed", "inserted": "inserted"}
    if bpy.app.version[:2] not in ((5, 0), (5, 1)):  # There the module bpy crashes when it adds a modifier.
        toned = lay(scene, "toned", 201).modifiers.new(name="tone", type="BRIGHT_CONTRAST")
        toned.bright = 20.0
        names["toned"] = "toned"
    for name, subject in names.items():
        span = vse.span_of(next(strip for strip in scenes.top(scene) if strip.name == subject))
        frames = (span.first + 1, span.first + 7)
        source = scenes.render(scene, frames, folder, f"{name}-source")
        job = begin(scene, name, values)
        said = submit.said_at_start(job)
        pump(lambda job=job: job.stage == "placed")
        told[name] = {
            "said": said,
            "source": source,
            "result": scenes.render(scene, frames, folder, f"{name}-result"),
            "place": place_of(scene, f"{subject} restyled")[1:],
            "span": [span.first, span.end],
            "muted": sorted(strip.name for strip in scenes.top(scene) if strip.mute),
        }
    return told


def asked_of_rendered(path: str, values: dict) -> dict:
    """Keyframes suggested for a strip that has to be rendered first."""
    scene = scenes.empty_scene(30, (176, 144))
    vse, jobs = scenes.addon("timeline.vse"), scenes.addon("jobs")
    strip = scenes.add(scene, path, 51, 1, "shot")
    vse.set_span(strip, vse.FrameRange(61, 71))
    strip.use_reverse_frames = True
    select(scene, "shot")
    with sequencer_context(scene):
        assert bpy.ops.restrip.suggest(count=2) == {"FINISHED"}
    stages = [job.stage for job in jobs.board().jobs.values()]
    pump(lambda: any(job.stage == "placed" for job in jobs.board().jobs.values()))
    return {
        "stages": stages,
        "markers": [[mark.frame, mark.name] for mark in scene.timeline_markers],
        "jobs": [[job.name, job.message] for job in jobs.board().jobs.values()],
    }


def killed(path: str, values: dict) -> dict:
    """The engine is killed in the middle of a job; the job is offered again, and goes on."""
    scene = scenes.empty_scene(30, (176, 144))
    jobs = scenes.addon("jobs")
    scenes.add(scene, path, 1, 1, "shot")
    job = begin(scene, "shot", values)
    pump(lambda: job.status.phase == "propagating")
    from restrip.client.discovery import read_connection

    pid = read_connection().pid
    os.kill(pid, signal.SIGKILL)
    pump(lambda: job.stage == "stopped")
    message = job.message
    with sequencer_context(scene):
        assert bpy.ops.restrip.resume(job_id=job.job_id) == {"FINISHED"}
    pump(lambda: job.stage == "placed")
    assert read_connection().pid != pid
    return {"message": message, "place": place_of(scene, "shot restyled"), "jobs": len(jobs.board().jobs)}


def all_placed() -> bool:
    return all(job.stage == "placed" for job in scenes.addon("jobs").board().jobs.values())


def stylize(
    path: str, folder: str, trim, marks, values: dict, size, fps: int = 25, fps_base: float = 1.0, start: int = 11
) -> dict:
    scene = scenes.empty_scene(fps, size, fps_base)
    strip = scenes.add(scene, path, start)
    vse = scenes.addon("timeline.vse")
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
