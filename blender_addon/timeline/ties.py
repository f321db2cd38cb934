"""Which result belongs to which source, whatever the editor did to them: split, copied, pasted, grouped, renamed.

Source and result carry the same tie. Blender copies it with a strip, so that after a cut or a copy several sources and
results carry one tie; what they cover then tells whose they are, and `settle` gives each pair a tie of its own.

channel 2   [==== result ====|== its copy ==]         two halves: each lies over its own half of the source
channel 1   [==== source ====|== its copy ==]
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from restrip.timeline import FrameRange

from . import clip, vse


@dataclass
class Family:
    """What is tied together: the pieces of a source that share their results, and these results.

    More than one source only while a result lies over several: until one of them wants a result of its own.
    """

    sources: list[Any] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)


def tie_of(strip: Any) -> str:
    """What a source and its results have in common, "" for other strips; older files have the job's id alone."""
    known = strip.restrip
    return str(known.tie or known.placed or known.result_of) if known.placed or known.result_of else ""


def is_result(strip: Any) -> bool:
    """Whether a strip is a result on the timeline."""
    return bool(strip.restrip.result_of)


def tied(scene: Any) -> dict[str, Family]:
    """The sources and results of a scene by their tie, as they are marked."""
    found: dict[str, Family] = {}
    for strip in vse.every_strip(scene):
        tie = tie_of(strip)
        if tie:
            family = found.setdefault(tie, Family())
            (family.results if is_result(strip) else family.sources).append(strip)
    return found


def chain_of(scene: Any, strip: Any) -> list[Any]:
    """A strip with the effects on it and what it is made of, the topmost first: one picture for the editor."""
    return parts_of(clip.subject_of(scene, strip))


def parts_of(strip: Any) -> list[Any]:
    """A strip and what it is made of, the strip first."""
    found: list[Any] = []
    waiting = [strip]
    while waiting:
        part = waiting.pop()
        if part not in found:
            found.append(part)
            waiting += vse.inputs_of(part)
    return found


def family_of(scene: Any, strip: Any) -> Family:
    """The family of a source or a result; one without anything for other strips."""
    members = [strip] if is_result(strip) else chain_of(scene, strip)
    for member in members:
        tie = tie_of(member)
        for family in families(tied(scene)[tie]) if tie else ():
            if member in family.sources or member in family.results:
                return family
    return Family()


def families(marked: Family) -> Iterator[Family]:
    """What carries one tie, told apart by what it covers; a copy without a result is a family of its own."""
    if len(marked.sources) <= 1 and len(marked.results) <= 1:
        yield marked
        return
    made = [Family([source]) for source in marked.sources]
    alone = []
    for result in marked.results:
        near = max(marked.sources, key=lambda source: _nearness(source, result), default=None)
        if near is None or (len(marked.sources) > 1 and not _common(near, result)):
            alone.append(Family([], [result]))
        else:
            made[marked.sources.index(near)].results.append(result)
    for family in [family for family in made if not family.results]:
        source = family.sources[0]
        over = next((other for other in made if other.results and _shares(other, source)), None)
        if over is not None:
            over.sources.append(source)
            made.remove(family)
    yield from (*made, *alone)


def settle(scene: Any) -> None:
    """Give each family a tie of its own; a source whose result is gone is its own again, and is shown."""
    for tie, marked in tied(scene).items():
        for number, family in enumerate(sorted(families(marked), key=lambda family: not family.results)):
            _remember_hidden(scene, family)
            if family.results:
                _tie(family, tie if number == 0 else uuid.uuid4().hex)
            if len(family.sources) == 1:
                for result in family.results:
                    _follow_cut(family.sources[0], result)
            for source in family.sources if not family.results else ():
                release(scene, source)


def own(scene: Any, source: Any) -> Family:
    """The family of one source alone: a result that also lies over other pieces of it is cut at its ends."""
    settle(scene)
    family = family_of(scene, source)
    members = chain_of(scene, source)
    others = [other for other in family.sources if other not in members]
    if not family.results or not others:
        return family
    span = vse.span_of(source)
    mine, theirs = [], []
    for result in family.results:
        pieces = _cut(result, span)
        mine += [piece for piece in pieces if len(vse.span_of(piece).within(span))]
        theirs += [piece for piece in pieces if not len(vse.span_of(piece).within(span))]
    left = Family(others, theirs)
    if theirs:
        _tie(left, tie_of(others[0]))
    alone = Family([other for other in family.sources if other in members], mine)
    _tie(alone, uuid.uuid4().hex)
    return alone


def begin(family: Family, source: Any, result: Any, job_id: str) -> None:
    """Tie a source to a result that was placed for it."""
    for former in family.sources:
        former.restrip.placed = former.restrip.tie = ""  # An effect lies on it now, which is the source.
    family.sources = [source]
    if result not in family.results:
        family.results.append(result)
    for strip in family.results:
        strip.restrip.result_of = job_id
    source.restrip.placed = job_id
    _tie(family, tie_of(result) if result.restrip.tie else uuid.uuid4().hex)


def remember_laid(source: Any, result: Any) -> None:
    """Note on a result what it shows, counted from the source's content start: an end that leaves it was trimmed."""
    span = vse.span_of(result).shifted(-round(vse.content_start(source)))
    result.restrip.laid = f"{span.first} {span.end}"


def laid(source: Any, result: Any) -> FrameRange | None:
    """The frames that `remember_laid` noted; None for a result of an older version."""
    if not result.restrip.laid:
        return None
    first, end = map(int, result.restrip.laid.split())
    return FrameRange(first, end).shifted(round(vse.content_start(source)))


def hide(source: Any) -> None:
    """Mute a strip with what it is made of, and remember which of them weren't muted before."""
    for strip in parts_of(source):
        if not strip.mute:
            strip.mute = strip.restrip.hid = True


def show(scene: Any, source: Any) -> None:
    """Take back what `hide` did; what the editor muted stays muted."""
    for strip in chain_of(scene, source):
        if strip.restrip.hid:
            strip.mute = strip.restrip.hid = False


def release(scene: Any, source: Any) -> None:
    """A source without a result: shown again, and not waiting for the job that was placed."""
    show(scene, source)
    known = source.restrip
    if known.job == known.placed:
        known.job = ""  # Or the result would be offered again as soon as the file is opened.
    known.placed = known.tie = ""


_seen: dict[str, int] = {}


def tick() -> None:
    """Settle the scenes in which there are more or fewer strips than before; the timer calls this."""
    if vse.busy(bpy.context):
        return
    for scene in bpy.data.scenes:
        count = vse.count_strips(scene)
        if _seen.get(scene.name) != count:
            _seen[scene.name] = count
            settle(scene)


def _tie(family: Family, tie: str) -> None:
    for strip in (*family.sources, *family.results):
        if strip.restrip.tie != tie:
            strip.restrip.tie = tie


def _nearness(source: Any, result: Any) -> tuple[Any, ...]:
    """How likely a result belongs to a source: in the same meta strip, over the same frames, closely above."""
    above = result.channel - source.channel
    same = vse.parent_of(source) == vse.parent_of(result)
    return same, _common(source, result), vse.span_of(source) == vse.span_of(result), above > 0, -abs(above)


def _common(one: Any, other: Any) -> int:
    return len(vse.span_of(one).within(vse.span_of(other)))


def _shares(family: Family, source: Any) -> bool:
    """Whether a source is a further piece under the family's results, rather than a copy of its source."""
    beside = not any(_common(other, source) for other in family.sources)
    return beside and any(
        _common(result, source) and vse.parent_of(result) == vse.parent_of(source) for result in family.results
    )


def _cut(result: Any, span: Any) -> Sequence[Any]:
    """The pieces of a result, cut where a source begins and ends."""
    pieces = [result]
    for frame in (span.first, span.end):
        held = vse.span_of(pieces[-1])
        if held.first < frame < held.end:
            pieces.append(vse.split(pieces[-1], frame))
    return pieces


def _follow_cut(source: Any, result: Any) -> None:
    """An end of a result on which its source ends, too, was cut with it, not trimmed alone."""
    noted, held, shown = laid(source, result), vse.span_of(result), vse.span_of(source)
    if noted is None:
        return
    first = held.first if held.first == shown.first else noted.first
    end = held.end if held.end == shown.end else noted.end
    if first < end and (first, end) != (noted.first, noted.end):
        start = round(vse.content_start(source))
        result.restrip.laid = f"{first - start} {end - start}"


def _remember_hidden(scene: Any, family: Family) -> None:
    """Older files name what a result muted: note it on these strips instead, which may be renamed."""
    for result in family.results:
        names = json.loads(result.restrip.muted or "[]")
        for source in family.sources if names else ():
            for strip in chain_of(scene, source):
                strip.restrip.hid |= strip.mute and strip.name in names
        if names:
            result.restrip.muted = ""
