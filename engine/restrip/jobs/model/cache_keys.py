"""What decides a key's or a segment task's picture, as one hash: equal ones are rendered once. No numerics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.input_files import Seen
from restrip.jobs.model.settings_schema import PLANNED
from restrip.looks.look import PLAIN, READING_STAGE, LookTraits
from restrip.propagate.settings import ON
from restrip.registration.correction import Correction
from restrip.storage.json_files import digest
from restrip.timeline import ClipRange, Key, Segment

HIGHLIGHTS_STAGE = 2
KEY_STAGE = 2
SEGMENT_STAGE = 20
"""Raised when the code changes what it makes of the same input: what older code made is then not found any more."""


@dataclass(frozen=True)
class Known:
    """What has to be found out before a plan: the media's size (width, height) as it is read, whether it is `deep` and
    has `alpha`, its cuts, the look; `highlights` says that it has light beyond white, which is kept; `hardware` names
    what encodes instead of the processor (`restrip.media.movies.hardware`).

    `key_facts` hold, by frame, what decides a key's picture beside the look's identity, if anything does;
    `prompt_facts` tells it of a prompt.
    `corrections` are, by frame, what is done with the pictures that were given. `inputs` are the files that the job
    names, as they were found; `models` what the manifest says of its weights (`restrip.jobs.outputs.model_facts`).
    """

    size: tuple[int, int]
    cuts: tuple[int, ...]
    look_identity: Mapping[str, Any]
    traits: LookTraits = PLAIN
    key_facts: Mapping[int, str] = field(default_factory=dict)
    prompt_facts: Callable[[str], Sequence[str]] = lambda _: ()
    notes: tuple[str, ...] = ()
    deep: bool = False
    alpha: bool = False
    highlights: bool = False
    hardware: str = ""
    corrections: Mapping[int, Correction] = field(default_factory=dict)
    inputs: Mapping[str, Seen] = field(default_factory=dict)
    models: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Against:
    """What keys are made from beside their own frame, and what their hashes share."""

    anchor: int | None
    previous: tuple[int | None, ...]
    shared: Mapping[str, Any]


def key_hashes(spec: Job, keys: Sequence[Key], against: Against, known: Known) -> tuple[str, ...]:
    """A key's picture depends on its frame, on what the key overrides, on the look, on the anchor's frame, and on the
    picture before it where that is carried on.
    """

    # Of thousands of keys most have the same prompt, and each question looks through folders.
    prompt_facts = cache(known.prompt_facts)
    images = {key.image: known.inputs[f"key {n}"] for n, key in enumerate(spec.keys) if key.image}

    def facts(key: Key) -> dict[str, Any]:
        base = {"stage": KEY_STAGE, **against.shared, "time": str(spec.clip.media_time(key.frame))}
        correction = known.corrections.get(key.frame)
        # A picture that is used as it is keeps the hash that it had before there were corrections.
        if correction is not None and correction.facts:
            base["correction"] = correction.facts
        if key.image:
            return {**base, "image": images[key.image].content.key, "reading": READING_STAGE}
        own = known.key_facts.get(key.frame)
        asked = spec.asked.look.explicit(key)
        made = {**base, "prompt": asked.prompt, "seed": asked.seed, "look": known.look_identity, "own": own}
        if files := list(prompt_facts(asked.prompt or "")):
            made["prompt_files"] = files
        return {**made, "matte": matte_facts(spec, known.inputs)} if known.traits.takes_mattes and spec.matte else made

    anchor = None if against.anchor is None else facts(keys[against.anchor])
    hashes: dict[int, str] = {}
    # Outwards from the anchor, so that a key's hash follows the one that it depends on.
    for index in sorted(range(len(keys)), key=lambda n: abs(n - (against.anchor or 0))):
        own = facts(keys[index])
        if anchor is not None and index != against.anchor and not keys[index].image:
            own["anchor"] = anchor
        before = against.previous[index]
        if before is not None and not keys[index].image:
            own["previous"] = hashes[before]
        hashes[index] = digest(own)
    return tuple(hashes[index] for index in range(len(keys)))


def highlights_facts(known: Known) -> dict[str, Any]:
    """What all keys and segments depend on where highlights are kept, and on nothing where they aren't."""
    return {"highlights": HIGHLIGHTS_STAGE} if known.highlights else {}


def encoder_facts(hardware: str) -> dict[str, Any]:
    """What segments depend on that hardware encodes."""
    return {"encoder": hardware} if hardware else {}


def segment_facts(spec: Job, inputs: Mapping[str, Seen], size: tuple[int, int], format_name: str) -> dict[str, Any]:
    """What every segment task of a job depends on beside its frames, its keys and its device (`SegmentTask.filed`)."""
    planned = {ON, *(setting.key for setting in PLANNED)}
    settings = {key: value for key, value in spec.asked.recorded.items() if key not in planned}
    return {
        "stage": SEGMENT_STAGE,
        "source": inputs["source"].content.key,
        **reading(spec),
        "size": list(size),
        "rate": str(spec.clip.rate),
        "source_rate": str(spec.clip.source_rate or spec.clip.rate),
        "fade": spec.output.fade,
        "format": format_name,
        "settings": settings,
        "matte": matte_facts(spec, inputs),
        "look_only": spec.output.look_only,
        "every": spec.mode == "every",
    }


def reading(spec: Job) -> dict[str, Any]:
    """How the source is read, where that isn't the usual way: its code values, and which of its video streams."""
    unusual = {"untagged": spec.clip.untagged, "stream": spec.asked.source.stream}
    return {name: value for name, value in unusual.items() if value}


def matte_facts(spec: Job, inputs: Mapping[str, Seen]) -> dict[str, Any] | None:
    """What decides the matte; None without one."""
    if not spec.matte:
        return None
    # A matte that is a movie runs with the clip: where the clip begins in the media matters.
    return {"content": inputs["matte"].content.key, "trim_in": spec.clip.trim_in, "feather": spec.asked.matte.asked_px}


def segment_hash(
    clip: ClipRange, group: Sequence[Segment], hashes: Sequence[str], keys: Sequence[Key], shared: Mapping[str, Any]
) -> str:
    """The hash of a segment task. It holds its frames' times in the media, not in the clip: a trim changes nothing."""
    start = group[0].frames.first

    def side(index: int | None) -> Any:
        return None if index is None else [keys[index].frame - start, hashes[index]]

    inner = [[s.frames.first - start, s.frames.end - start, side(s.left), side(s.right)] for s in group]
    return digest({**shared, "time": str(clip.media_time(start)), "segments": inner})
