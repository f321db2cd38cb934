"""Enabling and disabling, settings, presets, files: what stays and what doesn't."""

import sys
import threading
import time

import bpy
import scenes
from scenes import ADDON

import addon_utils  # isort: skip


def traces() -> dict:
    """What an extension may leave behind."""
    named = [name for name in dir(bpy.types) if name.startswith("RESTRIP")]
    handlers = [
        function.__module__
        for name in dir(bpy.app.handlers)
        if isinstance(getattr(bpy.app.handlers, name), list)
        for function in getattr(bpy.app.handlers, name)
        if function.__module__.startswith(ADDON)
    ]
    kind = bpy.types.Strip if hasattr(bpy.types, "Strip") else bpy.types.Sequence
    return {
        "types": named,
        "handlers": handlers,
        "threads": [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()],
        "scene": hasattr(bpy.types.Scene, "restrip") or hasattr(bpy.types.Scene, "restrip_form"),
        "strips": hasattr(kind, "restrip"),
        "modules": [name for name in sys.modules if name.startswith(f"{ADDON}.")],
        "menus": [
            name
            for name in ("SEQUENCER_MT_context_menu", "SEQUENCER_MT_strip", "STATUSBAR_HT_header")
            for function in getattr(getattr(bpy.types, name).draw, "_draw_funcs", ())
            if function.__module__.startswith(ADDON)
        ],
    }


def off_and_on() -> dict:
    """Used, disabled, enabled again, disabled."""
    jobs = scenes.addon("jobs")
    transport, answers = jobs.board().transport, []
    transport.ask("settings", {"etag": ""}, answers.append, answers.append)
    end = time.monotonic() + 120
    while not answers and time.monotonic() < end:
        jobs.tick()
        time.sleep(0.02)
    running, messenger = transport.running, transport._process
    used = traces()
    timer = jobs.tick
    assert bpy.app.timers.is_registered(timer)
    addon_utils.disable(ADDON)
    assert not bpy.app.timers.is_registered(timer)
    off = traces()
    addon_utils.enable(ADDON)
    again = traces()
    addon_utils.disable(ADDON)
    return {
        "running": running,
        "ended": messenger.poll() is not None,
        "answered": isinstance(answers[0], dict),
        "used": used,
        "off": off,
        "again": again,
        "off again": traces(),
    }


def stumbles() -> dict:
    """The timer after something went wrong in it."""
    jobs = scenes.addon("jobs")
    bpy.app.timers.unregister(jobs.tick)

    def stumble() -> None:
        raise ZeroDivisionError

    jobs.on_tick.append(stumble)
    try:
        jobs.tick()
        raised = False
    except ZeroDivisionError:
        raised = True
    goes_on = bpy.app.timers.is_registered(jobs.tick)
    jobs.on_tick.remove(stumble)
    bpy.app.timers.unregister(jobs.tick)
    return {
        "raised": raised,
        "goes on": goes_on,
        "fine": jobs.tick() > 0,
        "once": bpy.app.timers.is_registered(jobs.tick),
    }


def values_follow_the_strip(path: str, blend: str) -> dict:
    """Settings drawn from a schema, kept on the strip, saved and read again."""
    schema, form, values, presets = (
        scenes.addon(name) for name in ("engine.schema", "ui.form", "values", "ui.presets")
    )
    from restrip.client.schema import Schema
    from restrip.client.setting import Setting

    table = (
        Setting("cfg_scale", "float", 7.0, "CFG scale", "How closely.", 1.0, 30.0, looks=("sd",)),
        Setting("steps", "int", 30, "Steps", "How many.", 1, 150, looks=("sd",)),
        Setting("seed", "int", 1, "Seed", "The number.", 0, 2**32 - 1, looks=("sd",)),
        Setting("sampler", "choice", "euler", choices=(("euler", "Euler"), ("ddim", "DDIM")), looks=("sd",)),
        Setting("keep", "bool", False, "Keep", looks=("neural",)),
        Setting("fade", "text", "auto", "Fade", group="output"),
    )
    family = {"prefix": "sd", "label": "Stable Diffusion", "argument": "model", "help": "", "example": "sd:x"}
    other = {"prefix": "neural", "label": "Built-in", "argument": "number", "help": "", "example": "neural:1"}
    schema.remember({})  # Earlier tests of this Blender user left their last values.
    schema.learn(Schema("one", table, (other, family)))
    form.rebuild()
    scene = scenes.empty_scene()
    first, second = scenes.add(scene, path, 1, 1, "first"), scenes.add(scene, path, 1, 3, "second")
    data = scene.restrip_form
    told = {"default": [round(data.set_cfg_scale, 3), data.set_steps, data.set_seed, data.set_sampler]}
    scene.sequence_editor.active_strip = first
    data.own_look_family = "sd"
    data.set_cfg_scale = 5.3
    data.set_steps = 1000
    data.set_seed = "4294967295"
    data.set_sampler = "ddim"
    data.set_fade = "12"
    told["kept"] = values.read(first.restrip.values)
    told["shown"] = [setting.key for group in form.shown(schema.values_of(first), table).values() for setting in group]
    scene.sequence_editor.active_strip = second
    told["other strip"] = [data.set_sampler, second.restrip.values]
    from restrip.timeline import ClipRange, Rate

    spec = values.job_spec("some-job", ClipRange(("a",), Rate.of(25), 9), (), schema.values_of(first), table, "p")
    told["spec"] = [spec.look, dict(spec.settings), spec.output.fade]
    schema.remember(schema.values_of(first))
    told["next default"] = data.set_sampler
    presets.save("Mine: ../a", schema.values_of(first))
    told["presets"] = presets.names()
    second.restrip.values = values.written(presets.load("Mine ..a"))
    told["loaded"] = data.set_steps
    bpy.ops.wm.save_as_mainfile(filepath=blend)
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.ops.wm.open_mainfile(filepath=blend)
    read = next(strip for strip in scenes.top(bpy.context.scene) if strip.name == "first")
    told["read"] = values.read(read.restrip.values) == told["kept"]
    # An engine with other settings: what it doesn't know stays on the strip.
    schema.learn(Schema("two", table[:1], (family,)))
    form.rebuild()
    told["rebuilt"] = [hasattr(bpy.context.scene.restrip_form, name) for name in ("set_cfg_scale", "set_steps")]
    told["still"] = values.read(read.restrip.values)["steps"]
    return told


def older_names(path: str) -> dict:
    """Values that a file, a preset and the last job kept while a look had another name."""
    names = ("engine.schema", "ui.form", "values", "ui.presets")
    schema, form, values, presets = (scenes.addon(name) for name in names)
    from restrip.client.schema import Schema
    from restrip.client.setting import Setting
    from restrip.timeline import ClipRange, Rate

    table = (Setting("first_number", "int", 0, "First number", "", 0, 10**9, looks=("keys", "painted")),)
    neural = {"prefix": "neural", "label": "Built-in", "argument": "number", "help": "", "example": "neural:1"}
    keys = {"prefix": "keys", "label": "Painted keys", "argument": "folder", "help": "", "example": "keys:a/"}
    old = {"look.family": "painted", "look.painted": "/paintings", "first_number": 9}
    scene = scenes.empty_scene()
    strip = scenes.add(scene, path)
    scene.sequence_editor.active_strip = strip

    def shown() -> list:
        data = scene.restrip_form
        given = schema.values_of(strip)
        spec = values.job_spec("some-job", ClipRange(("a",), Rate.of(25), 9), (), given, table, "p")
        return [data.own_look_family, data.own_look_keys, data.set_first_number, spec.look, dict(spec.settings)]

    told = {}
    schema.learn(Schema("named anew", table, (neural, {**keys, "aliases": ["painted"]})))
    form.rebuild()
    schema.remember(old)
    told["last job"] = shown()
    schema.remember({})
    presets.save("Old", old)
    strip.restrip.values = values.written(presets.load("Old"))
    told["preset"] = shown()
    scene.restrip_form.set_first_number = 3
    told["changed"] = dict(values.read(strip.restrip.values))
    schema.learn(Schema("an older engine", table, (neural, {**keys, "prefix": "painted"})))
    form.rebuild()
    strip.restrip.values = values.written(old)
    told["older engine"] = values.look_name(schema.values_of(strip))
    return told


def models(movie: str, folder: str) -> dict:
    """What a models folder offers, and what choosing from it sets."""
    jobs, models, connection = (scenes.addon(name) for name in ("jobs", "ui.models", "engine.engine_connection"))
    scene = scenes.empty_scene()
    strip = scenes.add(scene, movie)
    scene.sequence_editor.active_strip = strip
    told: dict = {"without a folder": bpy.ops.restrip.pick_model.poll()}
    bpy.context.preferences.addons[ADDON].preferences.models = folder
    connection.wanted()
    end = time.monotonic() + 240
    while not models._items and time.monotonic() < end:
        jobs.tick()
        time.sleep(0.02)
    told["listed"] = {key: [item[1] for item in items] for key, items in models._items.items()}
    for key in ("look.sd", "lora", "lora", "vae"):
        for path, _, _ in models._items[key]:
            assert bpy.ops.restrip.pick_model(key=key, model=path) == {"FINISHED"}
    told["values"] = scenes.addon("values").read(strip.restrip.values)
    form, schema = scenes.addon("ui.form"), scenes.addon("engine.schema")

    def shown(**values: object) -> list:
        given = {**told["values"], "look.family": "sd", "style_picture": "/style.png", **values}
        return [setting.key for group in form.shown(given, schema.current()).values() for setting in group]

    told["shown"] = {name: shown(**{"look.sd": name}) for name in (str(told["values"]["look.sd"]), "/another")}
    told["built-in"] = shown(**{"look.family": "neural"})
    # Not from the folder: the engine is asked which family it is of.
    form.put(scene, "look.family", "sd")
    form.put(scene, "look.sd", "tiny")
    facts = scenes.addon("engine.model_facts")
    while facts.facts(schema.values_of(strip)) is None and time.monotonic() < end:
        jobs.tick()
        time.sleep(0.02)
    told["asked"] = facts.facts(schema.values_of(strip))["label"]
    told["descriptions"] = [item[2] for item in models._items["look.sd"]]
    return told


def sheet(pictures: list) -> dict:
    """A sheet of seeds that fills up, and where a click lands."""
    seeds = scenes.addon("ui.seeds")
    image = seeds.blank_sheet(5)
    for index, path in enumerate(pictures):
        seeds.put_on_sheet(image, path, index, 5)
    width, height = image.size
    pixels = list(image.pixels)

    def at(x: float, y: float) -> float:
        return round(pixels[4 * (int(y * height) * width + int(x * width))], 2)

    return {
        "grid": [seeds.grid(count) for count in (1, 4, 5, 9, 10)],
        "size": [width, height],
        "levels": [at(x, y) for y in (0.75, 0.25) for x in (1 / 6, 0.5, 5 / 6)],
        "cells": [seeds.cell_at(x, y, 5) for y in (0.75, 0.25) for x in (1 / 6, 0.5, 5 / 6)],
        "outside": [seeds.cell_at(-0.1, 0.5, 5), seeds.cell_at(0.5, 1.0, 5)],
    }
