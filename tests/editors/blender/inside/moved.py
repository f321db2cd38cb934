"""Where the files of results live, and a project packed for another computer."""

from pathlib import Path

import bpy
import line
import noticed
import scenes


def files(scene) -> dict:
    """The paths of all movie strips as the file keeps them."""
    vse = scenes.addon("vse")
    return {strip.name: strip.filepath for strip in vse.every_strip(scene) if strip.type == "MOVIE"}


def whole(scene) -> bool:
    """Whether every movie strip shows something."""
    vse = scenes.addon("vse")
    movies = [strip for strip in vse.every_strip(scene) if strip.type == "MOVIE"]
    return all(Path(bpy.path.abspath(s.filepath)).is_file() and 0 not in vse.media_size(s) for s in movies)


def beside(path: str, folder: str, painted: str) -> dict:
    """Stylized before the file is saved, and after; gathered by one click; packed."""
    jobs, places, vse = (scenes.addon(name) for name in ("jobs", "places", "vse"))
    scene = scenes.empty_scene(30, (176, 144))
    for number, name in enumerate(("first", "second")):
        strip = scenes.add(scene, path, 1 + 100 * number, 1, name)
        vse.set_span(strip, vse.FrameRange(1 + 100 * number, 9 + 100 * number))
    job = line.begin(scene, "first", {"look.neural": "19", "long_side": 96})
    line.pump(lambda: job.stage == "placed")
    told: dict = {"unsaved": files(scene)["key 1"], "astray before": len(places.astray(scene))}
    blend = folder + "/cut/edit.blend"
    Path(blend).parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    told["astray"] = len(places.astray(scene))
    assert bpy.ops.restrip.gather() == {"FINISHED"}
    told["gathered"] = files(scene)["key 1"]
    told["astray after"] = len(places.astray(scene))
    told["span"] = [(s.name, len(vse.span_of(s))) for s in vse.every_strip(scene) if s.name == "key 1"]
    scene.frame_set(103)
    line.select(scene, "second")
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.key_image(filepath=painted) == {"FINISHED"}
    job = line.begin(scene, "second", {"look.neural": "19", "long_side": 96})
    line.pump(lambda: job.stage == "placed")
    told["saved"] = sorted(kept for kept in files(scene).values() if kept.startswith("//restrip"))
    told["whole"] = whole(scene)
    before = files(scene)
    assert bpy.ops.restrip.pack_project(directory=folder + "/packed") == {"FINISHED"}
    told["untouched"] = files(scene) == before and bpy.data.filepath == blend
    bpy.ops.wm.open_mainfile(filepath=folder + "/packed/edit.blend")
    scene = bpy.context.scene
    told["packed"] = sorted(set(files(scene).values()))
    told["packed whole"] = whole(scene)
    images = scenes.addon("values").read(scene.restrip.images)
    told["painted"] = [bpy.path.abspath(kept) for kept in images.values()]
    keys = scenes.addon("orders").order_of(scene, next(s for s in scenes.top(scene) if s.name == "second")).keys
    told["key"] = [key.image for key in keys]
    bpy.context.preferences.addons[scenes.ADDON].preferences.results_in = "ASK"
    line.select(scene, "first")
    with line.sequencer_context(scene):
        told["asked"] = error_of(lambda: bpy.ops.restrip.stylize())
        scene.restrip.folder = "//mine"
        assert bpy.ops.restrip.stylize() == {"FINISHED"}
    (job,) = [job for job in jobs.board().jobs.values() if job.name == "first"]
    noticed.until(lambda: job.stage in ("placed", "failed"))
    told["mine"] = sorted(kept for kept in files(scene).values() if "mine" in kept)
    return told


def error_of(run) -> str:
    try:
        run()
    except RuntimeError as error:
        return str(error)
    return ""
