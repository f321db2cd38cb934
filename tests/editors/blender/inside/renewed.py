"""Disabled and enabled, and updated, in one session: pictures, offers and code."""

import time

import bpy
import line
import noticed
import scenes
from scenes import ADDON

import addon_utils  # isort: skip


def off_and_on(path: str) -> dict:
    """A result that waits, and the looks' pictures, before and after the extension was off."""
    jobs, connection, previews = (scenes.addon(name) for name in ("jobs", "engine.engine_connection", "previews"))
    scene = scenes.empty_scene(30, (176, 144))
    strip = scenes.add(scene, path, 1, 1, "shot")
    vse = scenes.addon("timeline.vse")
    vse.set_span(strip, vse.FrameRange(1, 13))
    bpy.context.preferences.addons[ADDON].preferences.place_unasked = False
    connection.wanted()
    job = line.begin(scene, "shot", {"look.neural": "19", "long_side": 96})
    noticed.until(lambda: job.stage == "waiting" and previews.looks_known())
    told = {"before": [job.stage, len(previews.looks()), previews.looks()[0][1]], "pictures": [len(previews._pictures)]}
    addon_utils.disable(ADDON)
    addon_utils.enable(ADDON)
    # The preferences of an extension that was off are new ones.
    bpy.context.preferences.addons[ADDON].preferences.place_unasked = False
    jobs, connection, previews = (scenes.addon(name) for name in ("jobs", "engine.engine_connection", "previews"))
    connection.wanted()
    noticed.until(lambda: previews.looks_known() and any(j.stage == "waiting" for j in jobs.board().jobs.values()))
    (job,) = jobs.board().jobs.values()
    told["after"] = [job.stage, len(previews.looks()), job.name]
    told["pictures"].append(len(previews._pictures))  # Without a window they have no icons.
    told["one of each"] = [
        scenes.addon("ui.joblist").jobs is jobs,
        scenes.addon("engine.engine_connection").jobs is jobs,
    ]
    with line.sequencer_context(scene):
        assert bpy.ops.restrip.place(job_id=job.job_id) == {"FINISHED"}
    told["placed"] = sorted(strip.name for strip in scenes.top(scene))
    told["selected"] = sorted(strip.name for strip in vse.every_strip(scene) if strip.select)
    return told


def updated(package: str) -> dict:
    """Another version installed over the one that runs."""
    import restrip.errors

    words, core = scenes.addon("words"), restrip.errors
    scenes.addon("jobs").tick()
    told = {"before": [words.time_said(5), hasattr(core, "UPDATED")]}
    bpy.ops.extensions.package_install_files(
        filepath=package, repo="user_default", enable_on_install=True, overwrite=True
    )
    panel, words = scenes.addon("ui.panel"), scenes.addon("words")
    import restrip.errors

    told["after"] = [words.time_said(5), hasattr(restrip.errors, "UPDATED")]
    told["drawn with"] = scenes.addon("progress").words.time_said(5)
    told["poll"] = bpy.ops.restrip.stylize.poll()
    told["timer"] = bpy.app.timers.is_registered(scenes.addon("jobs").tick)
    told["jobs"] = panel.joblist.jobs is scenes.addon("jobs")
    end = time.monotonic() + 1
    while time.monotonic() < end:
        scenes.addon("jobs").tick()
        time.sleep(0.05)
    return told
