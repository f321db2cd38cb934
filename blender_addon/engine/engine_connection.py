"""Hearing the engine's settings without being asked, what a job would take, and what to say when there is no engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import bpy

from restrip.client.job import JobSpec
from restrip.client.schema import Schema
from restrip.client.travel import size_said
from restrip.errors import RestripError

from .. import jobs, prefs, previews, words
from ..timeline import results, vse
from ..ui import form, models
from . import requests, schema, submit

FORECAST_AFTER_S = 0.6
AGAIN_S = 20.0
UNUSABLE = ("protocol", "engine-unreachable", "no-messenger", "no-access", "unsafe-folder")


@dataclass
class Heard:
    """What is known of the engine: whether it was asked for, and what went wrong."""

    wanted: bool = False
    asking: bool = False
    asked: float = 0.0
    heard: bool = False
    trouble: RestripError | None = None


@dataclass
class Forecast:
    """What "Stylize again" would take, for the strip and markers that `key` names."""

    key: Any = None
    since: float = 0.0
    text: str = ""
    asked: bool = False


_heard = Heard()
_forecast = Forecast()
_on_new_schema: Callable[[], None] = form.rebuild


def on_new_schema(rebuild: Callable[[], None]) -> None:
    """Have this called, besides the form's rebuilding, when the engine's settings are new."""
    global _on_new_schema
    _on_new_schema = rebuild


def wanted() -> None:
    """Somebody looks at the panel: the engine's settings are wanted. Drawing calls this; `tick` does it."""
    _heard.wanted = True


def tick() -> None:
    """Ask for the settings once they are wanted, again after trouble, and for the forecast."""
    now = time.monotonic()
    again = _heard.trouble is not None and now - _heard.asked > AGAIN_S
    if _heard.wanted and not _heard.asking and (not _heard.heard or again):
        _ask(now)
    if _heard.heard:
        models.tick()
    if _forecast.key is not None and not _forecast.asked and now - _forecast.since > FORECAST_AFTER_S:
        _ask_forecast()


def retry() -> None:
    """Ask again at once."""
    _heard.trouble, _heard.heard, _heard.wanted = None, False, True


def draw(layout: Any) -> bool:
    """Say what is wrong with the engine, if anything; whether the rest of the panel makes sense."""
    trouble = _heard.trouble
    if (trouble is not None and trouble.code == "engine-missing") or (schema.known() is None and not prefs.found()):
        prefs.draw_install(layout)
        layout.operator("restrip.connect", text="I Have Installed It", icon="FILE_REFRESH")
        return False
    if trouble is not None and trouble.code in UNUSABLE:
        box = layout.box()
        words.lines(box, trouble.message, "ERROR")
        words.lines(box, trouble.remedy)
        row = box.row(align=True)
        row.operator("restrip.copy", text="Copy Details", icon="COPYDOWN").text = f"{trouble}\n{trouble.detail}"
        row.operator("restrip.connect", text="Try Again", icon="FILE_REFRESH")
    elif schema.known() is None:
        layout.label(text="Starting the engine…", icon="SORTTIME")
    return True


def forecast(scene: Any, strip: Any) -> str:
    """What "Stylize again" would take, in words; "" until that is known. Drawing calls this."""
    if results.result_of(scene, strip) is None:
        return ""
    span = vse.span_of(strip)
    marks = tuple(sorted((mark.frame, mark.name) for mark in scene.timeline_markers if mark.frame in span))
    key = (scene.name, strip.name, vse.base_of(strip).restrip.values, strip.restrip.placed, span, marks)
    if key != _forecast.key:
        _forecast.key, _forecast.since, _forecast.text, _forecast.asked = key, time.monotonic(), "", False
    return _forecast.text


def said(checked: Any) -> str:
    """The engine's answer to `check` as a sentence: "2 of 9 segments, about 40 s"."""
    count = int(checked.get("segments", 0))
    left = count - int(checked.get("segments_cached", 0))
    keys = int(checked.get("keys", 0)) - int(checked.get("keys_cached", 0))
    if not count:
        return ""
    if not left and not keys:
        return "Nothing to render again"
    seconds = checked.get("estimate_s")
    text = f"{left} of {count} segments" + (f", about {words.time_said(seconds)}" if seconds else "")
    sent = sum(int(file["bytes"]) for file in checked.get("travels", ()))
    text += f"; {size_said(sent)} are sent first" if sent else ""
    return text if checked.get("fits", True) else f"{text}; it doesn't fit: {' '.join(checked.get('fixes', ()))}"


def _ask(now: float) -> None:
    _heard.asking, _heard.asked = True, now

    def came(told: dict[str, Any] | None) -> None:
        _heard.asking, _heard.heard, _heard.trouble = False, True, None
        submit.learn(told)
        # Their pictures are the worker's to make: the settings don't wait for that.
        jobs.board().transport.ask("looks", {}, previews.learn_looks, lambda error: None)

    def failed(error: RestripError) -> None:
        _heard.asking, _heard.trouble = False, error

    known = schema.known()
    jobs.board().transport.ask("settings", {"etag": known.etag if known is not None else ""}, came, failed)


def learn(new: Schema) -> None:
    """The engine's settings: what is drawn from them is made anew when they changed."""
    if schema.learn(new):
        form.rebuild()
        _on_new_schema()


def _ask_forecast() -> None:
    _forecast.asked = True
    key = _forecast.key
    scene = bpy.data.scenes.get(key[0])
    strip = next((strip for strip in vse.every_strip(scene) if strip.name == key[1]), None) if scene else None
    if strip is None:
        return
    try:
        request = requests.request_of(scene, strip)
    except RestripError:
        return
    facts = request.origin.facts
    if facts.reasons or request.matte.drawn:
        return  # It would have to be rendered first.

    def came(told: dict[str, Any]) -> None:
        if _forecast.key == key:
            _forecast.text = said(told)

    def ask(spec: JobSpec) -> None:
        spec = replace(spec, matte=request.matte_path)
        jobs.board().transport.ask("check", {"spec": spec.to_json()}, came, lambda error: None)

    submit.spec_of("forecast", request, facts, ask, lambda error: None)
