"""What is said of jobs while the sidebar is closed, and trying again with what was corrected."""

import time

import bpy
import line
import scenes


def until(condition, limit_s: float = 120.0) -> None:
    jobs = scenes.addon("jobs")
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, [job.__dict__ for job in jobs.board().jobs.values()]
        jobs.tick()
        time.sleep(0.02)


class Layout:
    """What a panel draws with, remembering texts, operators and bars."""

    def __init__(self, seen: list) -> None:
        self.__dict__["seen"] = seen

    def __getattr__(self, name):
        def draw(*given, **named):
            if name in ("row", "column", "box", "split", "grid_flow"):
                return Layout(self.seen)
            self.seen.append([name, given[0] if given else "", named.get("text", ""), named.get("factor", 0)])
            return Layout(self.seen)

        return draw

    def __setattr__(self, name, value) -> None:
        pass


def status_bar() -> list:
    """What the status bar shows: texts and operators."""
    seen: list = []

    class Header:
        layout = Layout(seen)

    scenes.addon("ui.statusbar").draw(Header, bpy.context)
    return [[name, what or text] if name == "label" else [name, what, text] for name, what, text, _ in seen]


def failed_and_corrected(path: str, blend: str) -> dict:
    """A look that isn't there: said everywhere; corrected; tried again from the notice; done, and said too."""
    jobs, reports = scenes.addon("jobs"), scenes.addon("reports")
    progress, values = scenes.addon("progress"), scenes.addon("values")
    scene = scenes.empty_scene(30, (176, 144))
    vse = scenes.addon("timeline.vse")
    for name, channel in (("shot", 1), ("other", 5)):
        strip = scenes.add(scene, path, 1, channel, name)
        vse.set_span(strip, vse.FrameRange(1, 21))
        strip.color_tag = "COLOR_04"
    shot, other = (next(s for s in scenes.top(scene) if s.name == name) for name in ("shot", "other"))
    job = line.begin(scene, "shot", {"look.neural": "99"})
    until(lambda: job.stage == "failed")
    told: dict = {"failed": [shot.color_tag, other.color_tag], "said": list(reports.said)[-1], "bar": status_bar()}
    # Corrected on the strip; the selection is another one meanwhile.
    shot.restrip.values = values.written({"look.neural": "19", "long_side": 96})
    line.select(scene, "other")
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.resume(job_id=job.job_id) == {"FINISHED"}
    (job,) = jobs.board().jobs.values()
    told["again"] = [job.stage, shot.color_tag]
    bars, phases = [], set()

    def look() -> bool:
        if job.stage == "engine":
            bars.append(progress.overall(job))
            phases.add(progress.phase_said(job))
        return job.stage == "placed"

    until(look)
    told["bars"], told["phases"] = bars, sorted(phases)
    told["look"] = job.manifest.look
    told["done"], told["done bar"] = list(reports.said)[-1], status_bar()
    told["selected"] = sorted(strip.name for strip in vse.every_strip(scene) if strip.select)
    told["active"] = vse.active_strip(scene).name
    # Taking a failed one off the list takes its notice off the strip; so does a reload not.
    job = line.begin(scene, "other", {"look.neural": "99"})
    until(lambda: job.stage == "failed")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    other = next(strip for strip in scenes.top(scene) if strip.name == "other")
    told["reloaded"] = other.color_tag
    bpy.ops.restrip.dismiss(job_id=job.job_id)
    told["dismissed"] = [other.color_tag, other.restrip.tag_before, other.restrip.job]
    return told


def keyframes_counted(path: str) -> dict:
    """The panel is drawn again when a marker comes or moves."""
    jobs, handlers, vse = (scenes.addon(name) for name in ("jobs", "handlers", "timeline.vse"))
    scene = scenes.empty_scene(30, (176, 144))
    strip = scenes.add(scene, path, 1, 1, "shot")
    scene.sequence_editor.active_strip = strip
    drawn = []
    vse.redraw = lambda context: drawn.append(1)
    counts = []

    def after(change) -> None:
        jobs.tick()
        drawn.clear()
        change()
        jobs.tick()
        counts.append(len(drawn))

    after(lambda: None)
    after(lambda: scene.timeline_markers.new("K", frame=5))
    after(lambda: setattr(scene.timeline_markers[0], "frame", 7))
    after(lambda: None)
    assert handlers.look in jobs.on_tick
    return {"drawn": counts, "interval": jobs.IDLE_TICK_S}
