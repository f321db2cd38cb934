"""Makes the plan of a job: which keys there are, which segments between them, what they are made from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import pairwise

from restrip.jobs.model.cache_keys import (
    Against,
    Known,
    encoder_facts,
    highlights_facts,
    key_hashes,
    reading,
    segment_facts,
    segment_hash,
)
from restrip.jobs.model.draft import draft_size, marked
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import Seen, look_at
from restrip.jobs.model.plan import Plan, SegmentTask
from restrip.jobs.references import clip_files, inputs_of, key_files, matte_files
from restrip.media.formats import FORMATS, fitting_format
from restrip.propagate.device_choice import allowed, chosen
from restrip.registration.correction import Correction
from restrip.timeline import Key, Segment, check_keys, keys_for_shots, keys_from_markers, segments_of
from restrip.timeline.conversion import conversion_note

EVERY_PART_FRAMES = 48


def make_plan(spec: Job, known: Known) -> Plan:
    """Divide a job into keys and segment tasks, with their hashes. Files that `known` doesn't describe are looked at.

    Raises KeyOutside, MediaMissing, MediaUnreadable, BadSetting, SizeNotTaken, NoGpu.
    """
    cuts = tuple(sorted({cut for cut in known.cuts if 0 < cut < spec.clip.length}))
    keys, notes = _keys(spec, cuts, known.key_facts)
    draft = spec.output.draft
    full_size = size_within(known.size, spec.output.long_side)
    size = draft_size(full_size) if draft else full_size
    alpha = known.alpha or spec.output.look_only
    format_name, format_note = fitting_format(spec.output.format, size, alpha)
    if not known.inputs:
        known = replace(known, inputs=look_at(inputs_of((*clip_files(spec), *key_files(spec), *matte_files(spec)))))
    source = known.inputs["source"].content.key
    anchor, anchor_note = _anchor(spec, keys) if known.traits.needs_anchor else (None, "")
    timeline_note = conversion_note(spec.clip) if spec.output.otio else ""
    notes = (*notes, *(note for note in (format_note, anchor_note, timeline_note) if note), *known.notes)
    previous = _previous(keys, anchor, cuts) if known.traits.carries_previous else (None,) * len(keys)
    base = {"source": source, "size": list(full_size), **reading(spec), **highlights_facts(known)}
    shared_by_keys = marked(base, draft)
    against = Against(anchor, previous, shared_by_keys)
    hashes = key_hashes(spec, keys, against, known)
    every = spec.mode == "every"
    groups = _groups(segments_of(keys, spec.clip.length, cuts), EVERY_PART_FRAMES if every else 0, cuts)
    asked = spec.asked.motion.device
    chosen(asked, size)  # A GPU that was asked for and isn't there is named now.
    segment_base = {
        **segment_facts(spec, known.inputs, size, format_name),
        **highlights_facts(known),
        **encoder_facts(known.hardware),
    }
    shared = marked(segment_base, draft)
    segment_tasks = tuple(
        SegmentTask(group, hash=segment_hash(spec.clip, group, hashes, keys, shared)) for group in groups
    )
    baked = every or spec.output.baked
    return Plan(
        keys=keys,
        key_hashes=hashes,
        cuts=cuts,
        segment_tasks=segment_tasks,
        size=size,
        anchor=anchor,
        every=every,
        baked=baked,
        format=format_name,
        source=source,
        notes=notes,
        look_identity=known.look_identity,
        previous=previous,
        deep=known.deep and FORMATS[format_name].deep,
        alpha=alpha and FORMATS[format_name].alpha,
        devices=allowed(asked),
        inputs=_used(known, keys),
        corrections=_corrections(known, keys),
        full_size=full_size if draft else None,
        highlights=known.highlights,
        hardware=known.hardware,
        models=known.models,
    )


def _corrections(known: Known, keys: Sequence[Key]) -> tuple[Correction, ...]:
    """What is done with each key's given picture; empty when nothing is done with any."""
    found = tuple(known.corrections.get(key.frame, Correction()) for key in keys)
    return found if any(correction.facts for correction in found) else ()


def _used(known: Known, keys: Sequence[Key]) -> dict[str, Seen]:
    """The inputs without the painted pictures of frames that are no keys."""
    painted = {known.key_facts[key.frame] for key in keys if key.frame in known.key_facts and not key.image}
    unused = set(known.key_facts.values()) - painted
    return {
        role: seen
        for role, seen in known.inputs.items()
        if not role.startswith("look ") or seen.content.sha256 not in unused
    }


def size_within(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """The size with its longer side at most `long_side` pixels and both sides even; as it is for 0 or a larger one."""
    longest = max(size)
    if not long_side or long_side >= longest:
        return size
    width, height = (max(2, 2 * round(side * long_side / longest / 2)) for side in size)
    return width, height


def _keys(spec: Job, cuts: Sequence[int], painted: Collection[int]) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The job's keys with those that shots without one get, and notes on what was done.

    `painted` are the frames that the look has pictures of.
    """
    length, start = spec.clip.length, spec.clip.timeline_start
    if spec.mode == "every":
        edges = [0, *cuts, length]
        frames = [frame for first, end in pairwise(edges) for frame in range(first, end, spec.step)]
        given = {key.frame: key for key in spec.keys}
        return check_keys([given.get(frame, Key(frame)) for frame in frames], length, start)
    keys, notes = keys_from_markers(spec.keys, length, start, painted)
    keys, more = keys_for_shots(keys, length, cuts, start, painted)
    return keys, (*notes, *more)


def _anchor(spec: Job, keys: Sequence[Key]) -> tuple[int | None, str]:
    """The key that the others are made against: the one that was asked for, else the first that the look makes.

    With one that can't be, a note says which is. None when there is no other key to make.
    """
    made = [index for index, key in enumerate(keys) if not key.image]
    if len(made) < 2:
        return None, ""
    asked = spec.asked.look.anchor_key
    if asked < 0 or asked in made:
        return (asked if asked >= 0 else made[0]), ""
    return made[0], f"Key {asked} can't be the anchor: it isn't there or has a picture of its own. It is key {made[0]}."


def _previous(keys: Sequence[Key], anchor: int | None, cuts: Sequence[int]) -> tuple[int | None, ...]:
    """For each key its neighbour on the anchor's side; None across a cut, and for the anchor."""
    found: list[int | None] = []
    for index, key in enumerate(keys):
        neighbour = index + 1 if anchor is not None and index < anchor else index - 1
        between = sorted((key.frame, keys[neighbour].frame)) if neighbour >= 0 else []
        cut = bool(between) and any(between[0] < cut <= between[1] for cut in cuts)
        found.append(None if index == anchor or not between or cut else neighbour)
    return tuple(found)


def _groups(segments: Sequence[Segment], most_frames: int, cuts: Sequence[int]) -> list[tuple[Segment, ...]]:
    """Segments one by one, or runs of at most `most_frames` frames of one shot."""
    groups: list[tuple[Segment, ...]] = []
    for segment in segments:
        last = groups[-1] if groups else ()
        fits = last and segment.frames.end - last[0].frames.first <= most_frames and segment.frames.first not in cuts
        if fits:
            groups[-1] = (*last, segment)
        else:
            groups.append((segment,))
    return groups
