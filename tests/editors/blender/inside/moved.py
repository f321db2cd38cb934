"""Where the files of results live, and a project packed for another computer."""

import hashlib
from pathlib import Path

import bpy
import line
import noticed
import scenes


def files(scene) -> dict:
    """The paths of all movie strips as the file keeps them."""
    vse = scenes.addon("timeline.vse")
    return {strip.name: strip.filepath for strip in vse.every_strip(scene) if strip.type == "MOVIE"}


def whole(scene) -> bool:
    """Whether every movie strip shows something."""
    vse = scenes.addon("timeline.vse")
    movies = [strip for strip in vse.every_strip(scene) if strip.type == "MOVIE"]
    return all(Path(bpy.path.abspath(s.filepath)).is_file() and 0 not in vse.media_size(s) for s in movies)


def contents(scene) -> dict:
    """What is in each result's movie."""
    vse = scenes.addon("timeline.vse")
    movies = [s for s in vse.every_strip(scene) if s.type == "MOVIE" and "strip-000" in s.filepath]
    return {s.name: hashlib.sha256(Path(bpy.path.abspath(s.filepath)).read_bytes()).hexdigest() for s in movies}


def shown(scene) -> dict:
    """What is in the pictures of each row of pictures."""
    rows = [strip for strip in scenes.top(scene) if strip.type == "IMAGE"]
    return {
        strip.name: [
            hashlib.sha256(Path(bpy.path.abspath(strip.directory), element.filename).read_bytes()).hexdigest()
            for element in strip.elements
        ]
        for strip in rows
    }


def beside(path: str, folder: str, painted: str, pictures: list) -> dict:
    """Stylized before the file is saved, and after; gathered by one click; packed."""
    jobs, places, vse = (scenes.addon(name) for name in ("jobs", "timeline.places", "timeline.vse"))
    scene = scenes.empty_scene(30, (176, 144))
    for number, name in enumerate(("first", "second")):
        strip = scenes.add(scene, path, 1 + 100 * number, 1, name)
        vse.set_span(strip, vse.FrameRange(1 + 100 * number, 9 + 100 * number))
    job = line.begin(scene, "first", {"look.neural": "19", "long_side": 96})
    line.pump(lambda: job.stage == "placed")
    told: dict = {"unsaved": files(scene)["key 1"], "astray before": len(places.astray(scene))}
    job = line.begin(
        scene, "first", {"look.neural": "24", "long_side": 96}
    )  # Another take, with files of the same names.
    line.pump(lambda: job.stage == "placed")
    takes = contents(scene)
    blend = folder + "/cut/edit.blend"
    Path(blend).parent.mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    told["astray"] = len(places.astray(scene))
    assert bpy.ops.restrip.gather() == {"FINISHED"}
    told["gathered"] = sorted(kept for kept in files(scene).values() if "strip-000" in kept)
    told["astray after"] = len(places.astray(scene))
    told["each its own"] = contents(scene) == takes and len(set(takes.values())) == len(takes)
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
    for number, path in enumerate(pictures):
        strip = scenes.top(scene).new_image(name=f"row {number}", filepath=path, channel=8, frame_start=1 + 10 * number)
        strip.elements.append("p_2.png")
    rows = shown(scene)
    packed = contents(scene)
    assert bpy.ops.restrip.pack_project(directory=folder + "/packed") == {"FINISHED"}  # Once more, into the same place.
    told["untouched"] = files(scene) == before and bpy.data.filepath == blend
    bpy.ops.wm.open_mainfile(filepath=folder + "/packed/edit.blend")
    scene = bpy.context.scene
    told["packed"] = sorted(set(files(scene).values()))
    told["packed whole"] = whole(scene) and contents(scene) == packed and shown(scene) == rows
    told["rows"] = len({digest for row in rows.values() for digest in row})
    images = scenes.addon("values").read(scene.restrip.images)
    told["painted"] = [bpy.path.abspath(kept) for kept in images.values()]
    keys = (
        scenes.addon("engine.requests").request_of(scene, next(s for s in scenes.top(scene) if s.name == "second")).keys
    )
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
