"""Results on the timeline and the strips that they were made from: who belongs to whom."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from restrip.link.job import Manifest
from restrip.timeline import FrameRange

from . import clip, fades, place, vse


@dataclass(frozen=True)
class Origin:
    """Where a job's strip was when the job was begun: enough to find it again."""

    scene: str
    strip: str
    facts: clip.StripFacts


def whole(strip: Any) -> Any:
    """The result that a strip is a part of, or the strip itself."""
    parent = strip
    while parent is not None:
        if parent.restrip.result_of:
            return parent
        parent = vse.parent_of(parent)
    return strip


def source_of(scene: Any, meta: Any) -> Any:
    """The strip that a result was made from; None when it is gone."""
    job_id = meta.restrip.result_of
    return next((strip for strip in vse.every_strip(scene) if job_id and strip.restrip.placed == job_id), None)


def result_of(scene: Any, strip: Any) -> Any:
    """The result that was placed for a strip, or the strip itself when it is one; None when there is none."""
    if strip.restrip.result_of:
        return strip
    job_id = strip.restrip.placed
    return next((other for other in vse.every_strip(scene) if job_id and other.restrip.result_of == job_id), None)


def on_timeline(job_id: str) -> bool:
    """Whether a job's result lies in any scene; undo may have taken it away."""
    return any(strip.restrip.result_of == job_id for scene in bpy.data.scenes for strip in vse.every_strip(scene))


def find_source(job_id: str, origin: Origin | None) -> tuple[Any, Any]:
    """The scene and the strip of a job: by the id that the strip keeps, else by its name; None for a strip gone."""
    for scene in bpy.data.scenes:
        found = [strip for strip in vse.every_strip(scene) if strip.restrip.job == job_id]
        if found:
            named = [strip for strip in found if origin is not None and strip.name == origin.strip]
            return scene, (named or found)[0]
    if origin is None:
        return vse.edited_scene(bpy.context), None
    # Undo took the id away, or the strip is gone.
    scene = bpy.data.scenes.get(origin.scene) or vse.edited_scene(bpy.context)
    named = [strip for strip in vse.every_strip(scene) if strip.name == origin.strip]
    return scene, next((strip for strip in named if clip.same_media(scene, strip, origin.facts)), None)


@dataclass(frozen=True)
class Placed:
    """A result on the timeline, and what the user should know about where it went."""

    scene: Any
    meta: Any
    note: str = ""


def place_result(job_id: str, manifest: Manifest, origin: Origin | None, *, replace: bool) -> Placed:
    """Build the result at its source, wherever that is now. Raises NoRoom, MediaUnreadable; nothing is changed then."""
    scene, source = find_source(job_id, origin)
    editor = scene.sequence_editor_create()
    if source is None:
        start = manifest.clip.timeline_start
        spot = place.Spot(editor, start, FrameRange(start, start + manifest.clip.length), 0)
        meta = place.place(manifest, spot, vse.size_of(scene))
        meta.restrip.result_of = job_id
        return Placed(scene, meta, f"{manifest.clip.name} is gone from the timeline: its result is where it was.")
    start = manifest.clip.timeline_start + _moved(source, origin)
    whole = FrameRange(start, start + manifest.clip.length)
    span = vse.span_of(source).within(whole)
    note = "" if span == vse.span_of(source) else f"{source.name} was made longer since: stylize it again for the rest."
    rendered = bool(origin.facts.reasons) if origin is not None else source.restrip.rendered
    owner = vse.owner_of(scene, source)
    old = result_of(scene, source) if replace else None
    kept = fades.moved(old) if old is not None else {}
    spot = place.Spot(owner, start, span if len(span) else whole, source.channel, source, rendered, kept)
    meta = place.place(manifest, spot, vse.size_of(scene))
    over = bool(manifest.facts.get("look_only"))  # Then the result is transparent and lies over its source.
    muted = () if over else place.mute(scene, source)
    if old is not None and old != meta:
        channel, name = old.channel, old.name
        before = json.loads(old.restrip.muted or "[]")
        muted = _shown(scene, before) if over else tuple({*before, *muted})
        vse.remove(vse.owner_of(scene, old), old)
        meta.channel, meta.name = channel, name
        for part in vse.strips_of(meta):  # While both were there, Blender numbered the new names.
            part.name = re.sub(r"\.\d{3}$", "", part.name)
    meta.restrip.result_of = source.restrip.placed = job_id
    meta.restrip.muted = json.dumps(sorted(muted))
    return Placed(scene, meta, note)


def _shown(scene: Any, names: Collection[str]) -> tuple[str, ...]:
    """Show the strips of these names again; returns that none is muted."""
    for strip in vse.every_strip(scene):
        if strip.name in names:
            strip.mute = False
    return ()


def remove(scene: Any, meta: Any) -> None:
    """Take a result off the timeline and show what it had muted."""
    muted = json.loads(meta.restrip.muted or "[]")
    source = source_of(scene, meta)
    if source is not None:
        if source.restrip.job == source.restrip.placed:
            source.restrip.job = ""  # Or the result would be offered again as soon as the file is opened.
        source.restrip.placed = ""
    vse.remove(vse.owner_of(scene, meta), meta)
    _shown(scene, muted)


def unplaced(scenes: Any) -> Mapping[str, str]:
    """The jobs that strips of these scenes wait for: the strip's name by the job's id."""
    return {
        strip.restrip.job: strip.name
        for scene in scenes
        for strip in vse.every_strip(scene)
        if strip.restrip.job and strip.restrip.job != strip.restrip.placed
    }


def _moved(source: Any, origin: Origin | None) -> int:
    """How far the source's content was moved since the job was begun."""
    then = origin.facts.start if origin is not None else source.restrip.start
    return round(vse.content_start(source)) - int(then)
