"""What is chosen for a strip: looks and mixes, prompts, seeds, mattes, and what the panel shows of it."""

import time

import bpy
import line
import noticed
import scenes


def panels(scene) -> list:
    """Everything that the main panel and its groups draw, as `noticed.Layout` tells it."""
    seen: list = []
    panel = scenes.addon("ui.panel")

    class Drawn:
        layout = noticed.Layout(seen)
        group = ""
        table = panel.RESTRIP_PT_group.table

    with line.sequencer_context(scene):
        panel.RESTRIP_PT_main.draw(Drawn, bpy.context)
        for kind in panel.GROUPS:
            if kind.poll(bpy.context):
                drawn = type("Drawn", (Drawn,), {"group": kind.group, "table": kind.table})
                panel.RESTRIP_PT_group.draw(drawn, bpy.context)
    return seen


def shown(scene) -> list:
    """The names of all properties and operators on the panels."""
    named = []

    class Remember(noticed.Layout):
        def __getattr__(self, name):
            def draw(*given, **told):
                if name in ("prop", "prop_search", "template_icon_view"):
                    named.append(given[1])
                elif name in ("operator", "menu"):
                    named.append(given[0])
                return Remember(self.seen)

            return draw

    noticed.Layout, kept = Remember, noticed.Layout
    try:
        panels(scene)
    finally:
        noticed.Layout = kept
    return named


def ready() -> None:
    """Until the engine's settings and looks are there."""
    connection, previews, schema = (
        scenes.addon(name) for name in ("engine.engine_connection", "previews", "engine.schema")
    )
    connection.wanted()
    noticed.until(lambda: previews.looks_known() and schema.known() is not None)


def looks_and_words(path: str) -> dict:
    """Looks by name, favourites, mixes, the dice, the last prompts, and only what acts."""
    ready()
    schema, previews, values = (scenes.addon(name) for name in ("engine.schema", "previews", "values"))
    schema.remember({})
    scene = scenes.empty_scene(30, (176, 144))
    strip = scenes.add(scene, path, 1, 1, "shot")
    line.select(scene, "shot")
    data = scene.restrip_form
    told: dict = {"labels": [look[1] for look in previews.looks()][:3], "alone": data.looks}
    told["neural"] = sorted(shown(scene))
    bpy.ops.restrip.favourite(number="24")
    told["favourite first"] = previews.looks()[0][1]
    told["still"] = data.looks
    bpy.ops.restrip.favourite(number="24")
    told["no favourite"] = previews.looks()[0][1]
    with line.sequencer_context(scene):
        bpy.ops.restrip.mix_add()
        data.mix_look_1, data.mix_weight_1 = "3", 0.25
        told["mix"] = values.own(values.read(strip.restrip.values), "look.neural")
        told["mixed panel"] = [name for name in shown(scene) if "mix" in name or "preview" in name]
        bpy.ops.restrip.mix_add()
        bpy.ops.restrip.mix_remove(index=0)
        bpy.ops.restrip.mix_remove(index=1)
        told["mix less"] = values.own(values.read(strip.restrip.values), "look.neural")
        data.own_look_family = "sd"
        told["no model"] = noticed_error(lambda: bpy.ops.restrip.stylize())
        seeded = shown(scene)
        data.set_noise = "exact"
        recovered = shown(scene)
        told["only with recovered noise"] = sorted(set(recovered) - set(seeded))
        told["no matte, no feather"] = "set_matte_feather" in recovered or "set_look_only" in recovered
        data.own_matte_kind = "file"
        told["with a matte"] = sorted(set(shown(scene)) - set(recovered))
        data.own_keys_mode = "every"
        told["every"] = ["own_keys_step" in shown(scene), "own_keys_step" in seeded]
        before = data.set_seed
        bpy.ops.restrip.dice()
        told["dice"] = [before != data.set_seed, 0 <= int(data.set_seed) < 2**32]
        scenes.addon("ui.prompts").remember({"prompt": "a fox"})
        scenes.addon("ui.prompts").remember({"prompt": "a hare " * 30})
        bpy.ops.restrip.use_prompt(index=1)
        told["last prompt"] = data.set_prompt
    return told


def noticed_error(run) -> str:
    try:
        run()
    except RuntimeError as error:
        return str(error)
    return ""


def long_prompts(path: str, blend: str) -> dict:
    """A keyframe's prompt longer than a marker's name: kept whole, through saving, and short again."""
    requests, key_prompts = scenes.addon("engine.requests"), scenes.addon("timeline.key_prompts")
    scene = scenes.empty_scene(30, (176, 144))
    strip = scenes.add(scene, path, 51, 1, "shot")
    line.select(scene, "shot")
    strip.restrip.values = scenes.addon("values").written({"look.family": "sd", "look.sd": "/models/any"})
    for frame, name in ((60, "K: a fox seed: 7"), (70, "F_70")):
        scene.timeline_markers.new(name, frame=frame)
    long = "a fox in the snow, painted with a palette knife, thick paint, low evening light, füchse – " * 3
    data, told = scene.restrip_form, {}
    scene.frame_set(60)
    told["before"] = data.key_prompt
    data.key_prompt = long
    scene.frame_set(70)
    data.key_prompt = long + "again"
    names = [mark.name for mark in scene.timeline_markers]
    told["names"] = [len(name.encode()) for name in names]
    told["begin"] = [name[:8] for name in names]
    told["differ"] = len(set(names)) == 2
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    scene = bpy.context.scene
    strip = next(s for s in scenes.top(scene) if s.name == "shot")
    keys = requests.request_of(scene, strip).keys
    told["keys"] = [[key.frame, key.prompt, key.seed] for key in keys]
    told["long"] = " ".join(long.split())
    scene.frame_set(60)
    scene.restrip_form.key_prompt = "a hare"
    told["short"] = [next(m.name for m in scene.timeline_markers if m.frame == 60), len(bpy.data.texts)]
    told["again"] = [key_prompts.prompt_of(m)[-5:] for m in scene.timeline_markers if m.frame == 70]
    return told


def mattes(path: str, folder: str, half: str) -> dict:
    """A strip, a mask and a picture as mattes, each to its end: what is black stays as the source is."""
    jobs, vse = scenes.addon("jobs"), scenes.addon("timeline.vse")
    ready()
    scene = scenes.empty_scene(30, (176, 144))
    shot = scenes.add(scene, path, 1, 1, "shot")
    vse.set_span(shot, vse.FrameRange(5, 13))
    matte = scenes.top(scene).new_image(name="matte", filepath=half, channel=5, frame_start=1)
    vse.set_span(matte, vse.FrameRange(1, 40))
    matte.mute = True
    mask = bpy.data.masks.new("left")
    spline = mask.layers.new(name="one").splines.new()
    spline.points.add(3)
    for point, place in zip(spline.points, ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), strict=True):
        point.co = point.handle_left = point.handle_right = place
        point.handle_left_type = point.handle_right_type = "VECTOR"
    spline.use_cyclic = True
    chosen = {"strip": "matte", "mask": "left", "file": half}
    told: dict = {}
    source = scenes.render(scene, (8,), folder, "source")
    common = {"look.neural": "19", "matte_feather": 0.0, "format": "ffv1"}
    for kind, what in chosen.items():
        given = {**common, "matte.kind": kind, f"matte.{kind}": what}
        job = line.begin(scene, "shot", given)
        stage = job.stage
        line.pump(lambda job=job: job.stage == "placed")
        told[kind] = [stage, scenes.render(scene, (8,), folder, kind)[0]]
        line.select(scene, "shot")
        with line.sequencer_context(scene):
            assert bpy.ops.restrip.remove_result() == {"FINISHED"}
        jobs.board().jobs.clear()
    told["source"] = source[0]
    shot.restrip.values = scenes.addon("values").written({**common, "matte.kind": "strip", "matte.strip": "gone"})
    with line.sequencer_context(scene):
        told["gone"] = noticed_error(lambda: bpy.ops.restrip.stylize())
    # A strip that doesn't fill the canvas is rendered onto it, too.
    shot.transform.offset_x = 20
    shot.restrip.values = scenes.addon("values").written({**common, "matte.kind": "mask", "matte.mask": "left"})
    told["moved"] = list(scenes.addon("engine.requests").request_of(scene, shot).origin.facts.reasons)
    return told


def preview(path: str) -> dict:
    """The frame under the playhead in a look, beside the source."""
    jobs, previews, frame_preview = (scenes.addon(name) for name in ("jobs", "previews", "ui.frame_preview"))
    ready()
    scene = scenes.empty_scene(30, (176, 144))
    shot = scenes.add(scene, path, 51, 1, "shot")
    line.select(scene, "shot")
    shot.restrip.values = scenes.addon("values").written({"look.neural": "3:0.5+12:0.5", "style_strength": 1.0})
    scene.frame_set(60)
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.preview_frame() == {"FINISHED"}
    line.pump(lambda: any(job.stage == "placed" for job in jobs.board().jobs.values()))
    sheet = bpy.data.images[frame_preview.SHEET]
    width, height = sheet.size

    def halves() -> list:
        pixels = list(sheet.pixels)
        rows = [pixels[4 * row * width : 4 * (row + 1) * width] for row in range(height)]
        return [rows, [sum(row[: 2 * width]) for row in rows], [sum(row[2 * width + 4 :]) for row in rows]]

    told: dict = {"size": [width, height], "messages": [job.message for job in jobs.board().jobs.values()]}
    _, left, right = halves()
    frame_preview.show(sheet, 1.0)
    _, source_left, source_right = halves()
    frame_preview.show(sheet, 0.0)
    _, look_left, look_right = halves()
    told["split"] = [left == source_left, right == look_right, source_right != look_right, source_left != look_left]
    told["mix picture"] = previews.mix_key("shot", "3:0.5+12:0.5") in previews._newest
    told["folded"] = [len(scenes.addon("ui.joblist").finished()), len(scenes.addon("ui.joblist").in_sight())]
    time.sleep(0.1)
    return told


def saved_looks(path: str, folder: str) -> dict:
    """A look saved from a strip's result, chosen from the list for another strip, and one that can't be read."""
    ready()
    looks, reports = (scenes.addon(name) for name in ("ui.saved_looks", "reports"))
    scenes.addon("engine.schema").remember({})
    scene = scenes.empty_scene(30, (176, 144))
    vse = scenes.addon("timeline.vse")
    for name, start, channel in (("shot", 1, 1), ("other", 101, 1)):
        vse.set_span(scenes.add(scene, path, start, channel, name), vse.FrameRange(start, start + 5))
    told: dict = {"no result": looks.job_to_save(bpy.context)}
    values = {"look.family": "neural", "look.neural": "4", "style_strength": 0.7, "format": "prores4444"}
    job = line.begin(scene, "shot", values)
    line.pump(lambda: job.stage == "placed")
    line.select(scene, "shot")
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.look_save(name="moody") == {"FINISHED"}
        line.pump(lambda: [look["name"] for look in looks.known()] == ["moody"])
        bpy.ops.restrip.look_save(name="moody")
        line.pump(lambda: "already" in reports.said[-1][1])
        told["twice"] = reports.said[-1]
        other = next(strip for strip in scenes.top(scene) if strip.name == "other")
        other.restrip.values = scenes.addon("values").written({"look.family": "sd", "seed": 9, "long_side": 64})
        line.select(scene, "other")
        bpy.ops.restrip.look_use(name="moody")
        line.pump(lambda: "has the look" in reports.said[-1][1])
        told["used"] = dict(scenes.addon("values").read(other.restrip.values))
        told["in use"] = [looks.in_use(told["used"]), looks.in_use({"anchor_file": ""})]
        with open(f"{folder}/cut.restriplook", "wb") as file:
            file.write(b"PK\3\4 no look")
        bpy.ops.restrip.look_add(filepath=f"{folder}/cut.restriplook")
        line.pump(lambda: "can't be read as a look" in reports.said[-1][1])
        told["menu"] = menu(looks)
        told["panel"] = "RESTRIP_MT_saved_looks" in shown(scene)
        told["icon"] = looks.known()[0]["thumbnail"] in scenes.addon("previews")._pictures
        bpy.ops.restrip.look_remove(name="moody")
        line.pump(lambda: not looks.known())
        told["empty"] = menu(looks)
    return told


def menu(looks) -> list:
    """What the menu of looks shows: operators with their texts, and labels."""
    seen: list = []

    class Row:
        operator_context = ""

        def operator(self, name, text="", **more):
            seen.append([name, text])
            return type("Given", (), {})()

        def label(self, text="", **more):
            seen.append(["", text])

        def separator(self):
            pass

        def menu(self, name, **more):
            seen.append([name, ""])

    looks.RESTRIP_MT_saved_looks.draw(type("Drawn", (), {"layout": Row()}), bpy.context)
    return seen
