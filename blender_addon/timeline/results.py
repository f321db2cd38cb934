"""Results on the timeline: placed over the strips that they were made from, replaced, and taken away again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from restrip.client.job import Manifest
from restrip.timeline import FrameRange

from . import channels, clip, drafts, fades, place, takes, ties, vse


@dataclass(frozen=True)
class Origin:
    """Where a job's strip was when the job was begun: enough to find it again."""

    scene: str
    strip: str
    facts: clip.StripFacts
    channel: int = 0


def whole(strip: Any) -> Any:
    """The result that a strip is a part of or an effect on, or the strip itself."""
    parent = strip
    while parent is not None:
        if ties.is_result(base := vse.base_of(parent)):
            return base
        parent = vse.parent_of(parent)
    return strip


def source_of(scene: Any, meta: Any) -> Any:
    """The strip that a result was made from; None when it is gone."""
    return next(iter(sources_of(scene, meta)), None)


def sources_of(scene: Any, meta: Any) -> list[Any]:
    """The strips that a result lies over: several when the source was cut and the result wasn't."""
    return [clip.subject_of(scene, source) for source in ties.family_of(scene, meta).sources]


def result_of(scene: Any, strip: Any) -> Any:
    """The result that was placed for a strip, or the strip itself when it is one; None when there is none."""
    if ties.is_result(strip):
        return strip
    return next(iter(ties.family_of(scene, strip).results), None)


def keys_shown(scene: Any, source: Any) -> set[int]:
    """The frames of the keys that a strip's results show, counted from its first visible frame."""
    if not source.restrip.placed:
        return set()
    start = round(vse.content_start(source)) - vse.span_of(source).first
    shown = [strip for result in ties.family_of(scene, source).results for strip in takes.shown(result)]
    return {start + int(strip.restrip.key_at) for strip in shown if strip.type in ("MOVIE", "IMAGE")}


def on_timeline(job_id: str) -> bool:
    """Whether a job's result lies in any scene, shown or as another take; undo may have taken it away."""
    return any(
        takes.holds(strip, job_id)
        for scene in bpy.data.scenes
        for strip in vse.every_strip(scene)
        if ties.is_result(strip)
    )


def find_source(job_id: str, origin: Origin | None) -> tuple[Any, Any]:
    """The scene and the strip of a job: by the id that the strip keeps, else by its name; None for a strip gone."""
    scene, found = find_sources(job_id, origin)
    return scene, found[0] if found else None


def find_sources(job_id: str, origin: Origin | None) -> tuple[Any, list[Any]]:
    """The scene of a job, and its strip: several when it was cut meanwhile. A copy of it isn't among them."""
    scenes = sorted(bpy.data.scenes, key=lambda scene: origin is None or scene.name != origin.scene)
    for scene in scenes:
        waiting = [strip for strip in vse.every_strip(scene) if strip.restrip.job == job_id]
        waiting.sort(key=lambda strip: origin is None or strip.name != origin.strip)
        pieces: list[Any] = []
        for strip in waiting:
            if not any(len(_content(strip).within(_content(piece))) for piece in pieces):
                pieces.append(strip)
        if pieces:
            return scene, pieces
    if origin is None:
        return vse.edited_scene(bpy.context), []
    # Undo took the id away, or the strip is gone.
    scene = bpy.data.scenes.get(origin.scene) or vse.edited_scene(bpy.context)
    named = [strip for strip in vse.every_strip(scene) if strip.name == origin.strip]
    return scene, [strip for strip in named if clip.same_media(scene, strip, origin.facts)][:1]


@dataclass(frozen=True)
class Placed:
    """A result on the timeline, and what the user should know about where it went."""

    scene: Any
    meta: Any
    note: str = ""


def place_result(job_id: str, manifest: Manifest, origin: Origin | None) -> Placed:
    """Show the result at its source, wherever that is now: a new one, or a new take of the one that is there.

    Raises NoRoom, MediaUnreadable; nothing is changed then.
    """
    scene, sources = find_sources(job_id, origin)
    scene.sequence_editor_create()
    if not sources:
        return _place_alone(scene, job_id, manifest, origin)
    notes: dict[str, None] = {}
    metas = [_place_over(scene, source, manifest, origin, notes) for source in sources]
    for strip in (strip for other in bpy.data.scenes for strip in vse.every_strip(other)):
        if strip.restrip.job == job_id and strip not in sources:
            strip.restrip.job = ""  # A copy of the source: it waits for nothing.
    return Placed(scene, metas[0], " ".join(notes))


def _place_alone(scene: Any, job_id: str, manifest: Manifest, origin: Origin | None) -> Placed:
    start = manifest.clip.timeline_start
    span = FrameRange(start, start + manifest.clip.length)
    spot = place.Spot(scene.sequence_editor, start, span, origin.channel if origin is not None else 0)
    meta = place.place(manifest, spot, vse.size_of(scene))
    meta.restrip.result_of = job_id
    return Placed(scene, meta, f"{manifest.clip.name} is gone from the timeline: its result is where it was.")


def _place_over(scene: Any, source: Any, manifest: Manifest, origin: Origin | None, notes: dict[str, None]) -> Any:
    """Place a result over one strip, and say in `notes` what else is to be known; returns the meta strip."""
    start = manifest.clip.timeline_start + moved_since(source, origin)
    held = FrameRange(start, start + manifest.clip.length)
    shown = vse.span_of(source)
    span = shown.within(held)
    if span != shown:
        notes[f"{source.name} was made longer since: stylize it again for the rest."] = None
    rendered = bool(origin.facts.reasons) if origin is not None else source.restrip.rendered
    owner = vse.owner_of(scene, source)
    canvas = vse.size_of(scene)
    family = ties.own(scene, source)
    unseen = (source.mute and not source.restrip.hid) or not channels.shows(owner, source.channel)
    spot = place.Spot(owner, start, span if len(span) else held, source.channel, source, rendered)
    for result in family.results:
        kept = _kept(source, result, spot.span)
        moved = fades.moved(takes.shown(result))
        here = place.Spot(vse.owner_of(scene, result), start, kept, source.channel, source, rendered, moved)
        place.refill(result, manifest, here, canvas)
        if kept != spot.span and len(family.results) == 1:
            notes[f"{result.name} stays trimmed as it was."] = None
    new = place.place(manifest, spot, canvas) if not family.results else None
    if new is not None and unseen:
        new.mute = True
        notes[f"{source.name} was muted, so its result is, too."] = None
    first = new or family.results[0]
    ties.begin(family, source, first, manifest.job_id)
    _cover(scene, source, first, over=bool(manifest.facts.get("look_only")))
    for result in family.results:
        ties.remember_laid(source, result)
    return first


def _cover(scene: Any, source: Any, result: Any, *, over: bool) -> None:
    """Hide the source and let transitions work on its result; under a look alone, which is transparent, it shows."""
    if over:
        ties.show(scene, source)
        return
    _hand_over(scene, source, result)
    ties.hide(source)


def show_take(scene: Any, meta: Any, number: int) -> str:
    """Show another take of a result; returns what the user should know about it, or ""."""
    if number == meta.restrip.take:
        return ""
    over_before = _over(meta)
    take = takes.show(meta, number)
    meta.restrip.result_of = take["job"]
    drafts.settle(meta)
    source = source_of(scene, meta)
    over = _over(meta)
    if source is not None:
        source.restrip.placed = take["job"]
        if over != over_before:
            meta.blend_type = "ALPHA_OVER" if over else source.blend_type
            _hand_over(scene, meta, source)
            _cover(scene, source, meta, over=over)
    strips = [vse.span_of(strip) for strip in takes.shown(meta)]
    held = FrameRange(min(span.first for span in strips), max(span.end for span in strips)) if strips else None
    shown = vse.span_of(meta)
    if held is None or shown.within(held) != shown:
        return f"{takes.said(take)} was made of a shorter piece: it doesn't cover all of {meta.name}."
    return ""


def remove(scene: Any, meta: Any) -> None:
    """Take a result off the timeline and show its source; what lay on the result, such as a transition, lies on it."""
    family = ties.family_of(scene, meta)
    if family.sources:
        _hand_over(scene, meta, clip.subject_of(scene, family.sources[0]))
    left = [result for result in family.results if result != meta]
    vse.remove(vse.owner_of(scene, meta), meta)
    for source in family.sources:
        if left:
            ties.show(scene, source)
        else:
            ties.release(scene, source)


def remove_from(scene: Any, source: Any) -> None:
    """Take the result of a source off the timeline; over this piece of it alone, when it was cut."""
    for result in list(ties.own(scene, source).results):
        remove(scene, result)


def waited_for(job_id: str) -> bool:
    """Whether a strip of any scene waits for a job: a piece of one that was cut, or a copy."""
    return any(strip.restrip.job == job_id for scene in bpy.data.scenes for strip in vse.every_strip(scene))


def unplaced(scenes: Any) -> Mapping[str, str]:
    """The jobs that strips of these scenes wait for: the strip's name by the job's id."""
    return {
        strip.restrip.job: strip.name
        for scene in scenes
        for strip in vse.every_strip(scene)
        if strip.restrip.job and strip.restrip.job != strip.restrip.placed
    }


def _over(meta: Any) -> bool:
    return any(take.get("over") for take in takes.listed(meta) if take["take"] == meta.restrip.take)


def _hand_over(scene: Any, old: Any, new: Any) -> None:
    """Let transitions and other effects on one strip work on another."""
    for effect in vse.effects_on(scene, old):
        if vse.parent_of(effect) == vse.parent_of(old):
            vse.replace_input(effect, old, new)


def _content(strip: Any) -> FrameRange:
    """Which frames of its content a strip shows, counted from the content's start."""
    return vse.span_of(strip).shifted(-round(vse.content_start(strip)))


def moved_since(source: Any, origin: Origin | None) -> int:
    """How far the source's content was moved since the job was begun."""
    then = origin.facts.start if origin is not None else source.restrip.start
    return round(vse.content_start(source)) - int(then)


def _kept(source: Any, result: Any, span: FrameRange) -> FrameRange:
    """What a result is to show: `span`, but for ends that the editor trimmed on the result itself."""
    laid, held, shown = ties.laid(source, result), vse.span_of(result), vse.span_of(source)
    if laid is None or held.first - laid.first == held.end - laid.end != 0:  # It was slid away: back over its source.
        return span
    first = span.first if held.first in (laid.first, shown.first) else held.first
    end = span.end if held.end in (laid.end, shown.end) else held.end
    kept = FrameRange(first, max(first, end)).within(span)
    return kept if len(kept) else span
