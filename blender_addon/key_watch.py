"""Painted keys are watched for strips whose switch is on: one that is saved begins the strip's job again, by itself.

strip, switch ─► messenger ─► saved ─► job of its two segments ─► its strips show the new files
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import bpy

from restrip.client.key_files.news import KeyNews
from restrip.client.key_files.places import KeyPlaces
from restrip.errors import RestripError
from restrip.timeline import Key

from . import jobs, reports, values
from .engine import requests, schema, submit
from .timeline import key_prompts, markers, results, vse

SWITCH = "keys.watch"
LOOK_S = 1.0

_watched: dict[str, KeyPlaces] = {}
_pending: dict[str, str] = {}
"""Strips whose keys were saved, by their watch's name, with what is to be said of it."""
troubles: dict[str, RestripError] = {}
"""What the panel shows of a strip's keys while it lasts."""
_looked = 0.0


def name_of(scene: Any, strip: Any) -> str:
    """What a strip's watch is called."""
    return f"{scene.name}\n{strip.name}"


def watches(strip: Any) -> bool:
    """Whether a strip has its switch on, and something that can follow its keys."""
    if not (strip.restrip.job or strip.restrip.placed):
        return False
    given = schema.values_of(strip)
    return bool(values.own(given, SWITCH)) and values.own(given, "keys.mode") == "keys"


def places_of(scene: Any, strip: Any) -> KeyPlaces:
    """Where the pictures of a strip's keys lie."""
    given = requests.absolute(schema.values_of(strip))
    keys = keys_of(scene, strip, given)
    frames = frozenset(key.frame for key in keys if not key.image)
    shots = results.keys_shown(scene, strip) - {key.frame for key in keys}
    return KeyPlaces.at(values.look_name(given), given, keys, frames.union(shots))


def keys_of(scene: Any, strip: Any, given: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys that a strip's markers make with these values."""
    keys, _ = markers.keys_in(
        scene.timeline_markers,
        vse.span_of(strip),
        only_named=values.own(given, "keys.markers") == "named",
        images=requests.absolute(values.read(scene.restrip.images)),
        texts=key_prompts.long_texts(scene.timeline_markers),
    )
    return keys


def tick() -> None:
    """Called by the timer: watch what is to be watched, and begin again what was saved once Blender is idle."""
    global _looked
    if time.monotonic() - _looked >= LOOK_S:
        _looked = time.monotonic()
        _follow()
    if _pending and not vse.busy(bpy.context):
        name, said = next(iter(_pending.items()))
        del _pending[name]
        scene, strip = _strip_named(name)
        if strip is not None:
            again(scene, strip, said)


def _follow() -> None:
    wanted = {name_of(scene, strip): places for scene, strip in _strips() if (places := places_of(scene, strip))}
    if wanted == _watched:
        return
    transport = jobs.board().transport
    for name in [name for name in _watched if name not in wanted]:
        transport.watch(name, None)
        troubles.pop(name, None)
    for name, places in wanted.items():
        if _watched.get(name) != places:
            transport.watch(name, places.to_json())
    _watched.clear()
    _watched.update(wanted)


def heard(name: str, news: KeyNews) -> None:
    """What the watcher tells of a strip's keys."""
    if name not in _watched:
        return
    strip = name.partition("\n")[2]
    for sentence in news.well:
        troubles.pop(name, None)
        reports.say(f"{strip}: {sentence}")
        if _failed(name):  # For want of it, perhaps: what was saved isn't seen yet.
            _pending.setdefault(name, sentence)
    for path in news.unused:
        if _failed(name):  # For want of a shot's picture, perhaps.
            _pending.setdefault(name, f"{path} is new.")
        else:
            reports.say(f"{strip}: {path} is new, but no keyframe is on its frame: set a marker there.")
    for error in news.troubles:
        troubles[name] = error
        reports.say(f"{strip}: {error}", "WARNING")
    if news.changed:
        troubles.pop(name, None)
        _pending[name] = " ".join(filter(None, (_pending.get(name, ""), news.said())))
    vse.redraw(bpy.context)


def _failed(name: str) -> bool:
    """Whether a strip's last job failed."""
    _, strip = _strip_named(name)
    job = jobs.board().jobs.get(strip.restrip.job) if strip is not None else None
    return job is not None and job.stage == "failed"


def again(scene: Any, strip: Any, said: str) -> None:
    """Begin a strip's job again; what is finished of a running one is used again."""
    running, before = jobs.running(strip), strip.restrip.job
    strip.restrip.job = ""
    if running is not None and not results.waited_for(running.job_id):
        jobs.give_up(running)
    try:
        job = submit.begin(scene, strip)
    except RestripError as error:
        strip.restrip.job = before
        troubles[name_of(scene, strip)] = error
        reports.say(f"{strip.name}: {error}", "WARNING")
        return
    job.by_watch = True
    reports.say(f"{strip.name}: {said} What that touches is rendered again.")


def trouble_of(scene: Any, strip: Any) -> RestripError | None:
    """What is wrong with a strip's watched keys."""
    return troubles.get(name_of(scene, strip))


def count_of(scene: Any, strip: Any) -> int:
    """How many places of a strip are watched: pictures, and a folder; 0 for none."""
    places = _watched.get(name_of(scene, strip))
    return len(places.images) + bool(places.folder) if places is not None else 0


def file_opened() -> None:
    """Another file: what was watched for the last one isn't any more."""
    for name in _watched:
        jobs.board().transport.watch(name, None)
    forget()


def forget() -> None:
    """Nothing is watched, and nothing was heard."""
    global _looked
    _watched.clear()
    _pending.clear()
    troubles.clear()
    _looked = 0.0


def _strips() -> Iterator[tuple[Any, Any]]:
    for scene in bpy.data.scenes:
        for strip in vse.every_strip(scene):
            if watches(strip) and not strip.restrip.result_of:
                yield scene, strip


def _strip_named(name: str) -> tuple[Any, Any]:
    return next(((scene, strip) for scene, strip in _strips() if name_of(scene, strip) == name), (None, None))
