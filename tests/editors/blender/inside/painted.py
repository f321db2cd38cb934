"""Keys that are painted elsewhere: exported, watched, their strips shown anew in place, opened in a program."""

import os
import shutil
import time
from pathlib import Path

import bpy
import scenes
from scenes import ADDON


def pump(done, seconds: float = 240.0) -> bool:
    """Let the timer tick until something is so."""
    jobs, end = scenes.addon("jobs"), time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        jobs.tick()
        time.sleep(0.02)
    return bool(done())


def save(painted: str, target: Path) -> None:
    """Save a key as painting programs do, twice in a moment."""
    for _ in range(2):
        aside = target.with_name(f"~saving {target.stem[-2:]}.png")
        shutil.copy(painted, aside)
        os.replace(aside, target)


def story(movie: str, folder: str, dark: str, light: str, program: str, out: str) -> dict:
    """The whole of it, with three keyframes."""
    jobs, key_watch, values, vse = (scenes.addon(name) for name in ("jobs", "key_watch", "values", "timeline.vse"))
    takes, results, reports = (scenes.addon(name) for name in ("timeline.takes", "timeline.results", "reports"))
    keys = Path(folder)
    scene = scenes.empty_scene(30, (192, 144), 1.001)
    strip = scenes.add(scene, movie)
    vse.set_span(strip, scenes.addon("timeline.clip").FrameRange(1, 51))
    strip.select = True
    scene.sequence_editor.active_strip = strip
    scenes.mark(scene, [6, 21, 36])
    told: dict = {"open before": refused(lambda: bpy.ops.restrip.open_key())}

    told["exported"] = list(bpy.ops.restrip.export_keys(directory=folder))
    assert pump(lambda: any("to paint" in text for _, text in reports.said)), list(reports.said)
    told["said"] = reports.said[-1][1]
    told["files"] = sorted(path.name for path in keys.iterdir())
    told["values"] = dict(values.read(strip.restrip.values))
    told["watched before a job"] = len(key_watch._watched)
    for path in keys.glob("*.png"):
        save(dark, path)

    assert bpy.ops.restrip.stylize() == {"FINISHED"}
    board = jobs.board().jobs

    def placed() -> bool:
        failed = [str(job.error) for job in board.values() if job.error]
        assert not failed, failed
        return any(job.stage == "placed" for job in board.values())

    assert pump(placed)
    assert pump(lambda: key_watch._watched, 20)
    first = strip.restrip.placed
    meta = results.result_of(scene, strip)
    # What the editor does to the result: an opacity and a trim inside it, its own trim and channel.
    inner = {one.name: one for one in vse.strips_of(meta)}
    inner["key 2"].blend_alpha = 0.75
    vse.set_span(inner["key 3"], scenes.addon("timeline.clip").FrameRange(24, 50))
    vse.set_span(meta, scenes.addon("timeline.clip").FrameRange(3, 48))
    before = facts(meta)
    told["before"] = colour(scene, out, 21)

    time.sleep(1.2)  # The watch looks twice a second, from when the job was begun.
    save(light, keys / "key_00020.png")
    assert pump(lambda: strip.restrip.placed not in ("", first)), [job.stage for job in board.values()]
    meta = results.result_of(scene, strip)
    told["after"] = colour(scene, out, 21)
    told["same"] = [facts(meta) == before, before, facts(meta)]
    told["takes"] = [take["job"] for take in takes.listed(meta)] == [strip.restrip.placed]
    files = [one.filepath for one in vse.strips_of(meta) if one.type == "MOVIE"]
    told["new files"] = all(strip.restrip.placed in file or first not in file for file in files)
    told["jobs"] = sum(job.by_watch for job in board.values())
    told["redone"] = next(job for job in board.values() if job.by_watch).manifest.counts

    keys.rename(keys.with_name("elsewhere"))
    assert pump(lambda: key_watch.troubles, 60)
    told["trouble"] = next(iter(key_watch.troubles.values())).code
    keys.with_name("elsewhere").rename(keys)
    told["well"] = pump(lambda: not key_watch.troubles, 60)
    told["still"] = results.result_of(scene, strip) is not None

    preferences = bpy.context.preferences.addons[ADDON].preferences
    preferences.paint_program = f"{program} --new"
    scene.frame_set(23)
    told["opens"] = [list(bpy.ops.restrip.open_key()), scenes.addon("ui.painting").program_said()]
    opened = Path(f"{program}.told")
    told["opened"] = pump(opened.exists, 60) and opened.read_text().split("\n")
    preferences.paint_program = "/nowhere/krita"
    told["missing"] = refused(lambda: bpy.ops.restrip.open_key())
    preferences.paint_program = ""

    blend = str(Path(out) / "watched.blend")
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.open_mainfile(filepath=blend)
    told["stopped"] = not key_watch._watched
    scene = bpy.context.scene
    assert pump(lambda: key_watch._watched, 60)
    time.sleep(1.2)
    strip = next(one for one in scenes.top(scene) if one.name == "shot")
    before = strip.restrip.placed
    save(light, keys / "key_00035.png")
    told["after reopening"] = pump(lambda: strip.restrip.placed not in ("", before))
    told["takes after reopening"] = len(takes.listed(results.result_of(scene, strip)))
    told["results"] = kept(strip, Path(blend).parent / "restrip", save, (dark, light, dark), keys / "key_00035.png")
    scene.sequence_editor.active_strip = strip
    scene.restrip_form.own_keys_watch = False
    told["off"] = pump(lambda: not key_watch._watched, 20)
    return told


def kept(strip, home: Path, save, pictures: tuple, key: Path) -> list:
    """Which results have files after more saves, when one is kept for undo: oldest first."""
    scenes.addon("timeline.watched_results").KEPT = 1
    placed = [strip.restrip.placed]
    for picture in pictures:
        save(picture, key)
        assert pump(lambda: strip.restrip.placed not in ("", *placed))
        placed.append(strip.restrip.placed)
    left = [any(folder.name.endswith(job) for folder in home.iterdir()) for job in placed]
    return [left, len(list(home.iterdir()))]


def facts(meta) -> list:
    """What an editor sees of a result, its files aside."""
    vse = scenes.addon("timeline.vse")
    found = [(meta.name, meta.channel, *ends(vse.span_of(meta)))]
    for one in vse.strips_of(meta):
        found.append((one.name, one.channel, *ends(vse.span_of(one)), round(one.blend_alpha, 3), one.mute))
    return [list(row) for row in sorted(found)]


def ends(span) -> tuple:
    return span.first, span.end


def colour(scene, folder: str, frame: int) -> float:
    """How light a frame of the sequence is, 0 to 255."""
    (path,) = scenes.render(scene, [frame], folder, f"seen {time.monotonic_ns()}")
    image = bpy.data.images.load(path)
    pixels = list(image.pixels)
    return round(255 * sum(pixels[0::4]) / (len(pixels) / 4), 1)


def refused(call) -> str:
    """What an operator's error says."""
    try:
        call()
    except RuntimeError as error:
        return str(error)
    return ""
