"""The plan of a job: its keys, the parts to render, and the hashes under which both are cached. Loads no numerics.

mode keys                              mode every, step 3
keys      K0       K1       K2         keys   K0 K1 K2 K3 K4 ...
parts  [ ][   s   ][   s   ][  ]       parts  [ s  s  s  s ][ s  s ...
files     left, right a part           files    joint a part
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from restrip.errors import RestripError
from restrip.jobs.files import digest, file_sha256
from restrip.jobs.schema import MATTE_SETTINGS, SOURCE_SETTINGS
from restrip.link.job import JobSpec
from restrip.looks.diffusion.settings import without_prompt
from restrip.looks.settings import own_settings
from restrip.media.files import MediaMissing, MediaUnreadable
from restrip.media.formats import FORMATS, fitting_format
from restrip.propagate.gpu.choice import allowed, chosen
from restrip.propagate.settings import ON, PROPAGATE_SETTINGS
from restrip.timeline import (
    ClipRange,
    Crossfade,
    FrameRange,
    Key,
    Segment,
    Strip,
    check_keys,
    keys_for_shots,
    keys_from_markers,
    seams_of,
    segments_of,
    strips_of,
)

KEY_STAGE = 1
SEGMENT_STAGE = 5
"""Raised when the code changes what it makes of the same input: what older code made is then not found any more."""

EVERY_PART_FRAMES = 48


class SourceChanged(RestripError):
    """The media was changed while a job of it was being rendered."""

    code = "source-changed"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} was changed while it was being rendered.", "Retry the job when the file is written to no more."
        )


@dataclass(frozen=True)
class Part:
    """The unit of work and of the cache: one segment, or in mode every a run of them, as one set of files.

    `hash` says what is in them but for where they were carried, which only who does it knows.
    """

    segments: tuple[Segment, ...]
    hash: str

    @property
    def frames(self) -> FrameRange:
        """The frames that the part's files hold."""
        return FrameRange(self.segments[0].frames.first, self.segments[-1].frames.end)

    def filed(self, device: str, joint: bool) -> str:
        """Under which the part is cached when it was carried on `device`, "cpu" or "cuda": their pictures differ a
        little. `joint` is for the baked rendition beside the strips'.
        """
        made = self.hash if device == "cpu" else digest({"device": device, "part": self.hash})
        return digest({"joint": made}) if joint else made

    @property
    def keys(self) -> tuple[int, ...]:
        """The keys that it is rendered from."""
        return tuple(sorted({index for segment in self.segments for index in segment.sides}))


@dataclass(frozen=True)
class Plan:
    """What a job comes down to. `size` is (width, height) of what is rendered; `anchor` the key that the others of
    the job are made against, None when the look needs none; `previous` is for each key the one whose finished picture
    it is made from too, if any. `every` says that parts have one joint rendition;
    `format` names what is written, `deep` (more than 8 bit) and `alpha` say what of it is kept; `source` is the media's
    identity; `devices` are where parts may be carried, the better one first.
    """

    keys: tuple[Key, ...]
    key_hashes: tuple[str, ...]
    cuts: tuple[int, ...]
    parts: tuple[Part, ...]
    size: tuple[int, int]
    anchor: int | None
    every: bool
    joint: bool
    format: str
    source: str
    notes: tuple[str, ...]
    look_identity: Mapping[str, Any]
    previous: tuple[int | None, ...] = ()
    deep: bool = False
    alpha: bool = False
    devices: tuple[str, ...] = ("cpu",)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, in order."""
        return tuple(segment for part in self.parts for segment in part.segments)

    @property
    def strips(self) -> tuple[Strip, ...]:
        """What the editor gets: a strip a key, or in mode every one a shot. `Strip.segments` are indices of parts."""
        if not self.every:
            return strips_of(self.keys, self.segments)
        strips = []
        edges = [0, *self.cuts, self.parts[-1].frames.end]
        for first, end in pairwise(edges):
            mine = tuple(n for n, part in enumerate(self.parts) if first <= part.frames.first < end)
            strips.append(Strip(self.parts[mine[0]].keys[0], FrameRange(first, end), mine))
        return tuple(strips)

    @property
    def seams(self) -> tuple[Crossfade, ...]:
        """Where strips hand over, before fades are proposed."""
        if not self.every:
            return seams_of(self.keys, self.segments)
        return tuple(
            Crossfade(a.key, b.key, FrameRange(b.frames.first, b.frames.first)) for a, b in pairwise(self.strips)
        )

    def to_json(self) -> dict[str, Any]:
        """The content of plan.json."""
        return {
            "keys": [asdict(key) for key in self.keys],
            "key_hashes": list(self.key_hashes),
            "cuts": list(self.cuts),
            "parts": [
                {
                    "hash": part.hash,
                    "segments": [[s.frames.first, s.frames.end, s.left, s.right] for s in part.segments],
                }
                for part in self.parts
            ],
            "size": list(self.size),
            "anchor": self.anchor,
            "every": self.every,
            "joint": self.joint,
            "format": self.format,
            "source": self.source,
            "notes": list(self.notes),
            "look_identity": dict(self.look_identity),
            "previous": list(self.previous),
            "deep": self.deep,
            "alpha": self.alpha,
            "devices": list(self.devices),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Plan:
        """Read what `to_json` wrote."""
        return cls(
            keys=tuple(Key(**key) for key in body["keys"]),
            key_hashes=tuple(body["key_hashes"]),
            cuts=tuple(body["cuts"]),
            parts=tuple(
                Part(tuple(Segment(FrameRange(s[0], s[1]), s[2], s[3]) for s in part["segments"]), part["hash"])
                for part in body["parts"]
            ),
            size=(body["size"][0], body["size"][1]),
            anchor=body["anchor"],
            every=body["every"],
            joint=body["joint"],
            format=body["format"],
            source=body["source"],
            notes=tuple(body["notes"]),
            look_identity=body["look_identity"],
            previous=tuple(body["previous"]),
            deep=body["deep"],
            alpha=body["alpha"],
            devices=tuple(body.get("devices", ("cpu",))),  # Plans of older versions are still kept from pruning.
        )


@dataclass(frozen=True)
class Known:
    """What has to be found out before a plan: the media's size (width, height) as it is read, whether it is `deep` and
    has `alpha`, its cuts, the look.

    `key_facts` hold, by frame, what decides a key's picture beside the look's identity, if anything does;
    `takes_mattes` says that the look makes another picture inside a matte, `carries_previous` that it carries each
    key's finished picture into the next.
    """

    size: tuple[int, int]
    cuts: tuple[int, ...]
    look_identity: Mapping[str, Any]
    needs_anchor: bool = False
    key_facts: Mapping[int, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    takes_mattes: bool = False
    carries_previous: bool = False
    deep: bool = False
    alpha: bool = False


def make_plan(spec: JobSpec, known: Known) -> Plan:
    """Divide a job into keys and parts, with their hashes.

    Raises KeyOutside, MediaMissing, MediaUnreadable, BadSetting, SizeNotTaken, NoGpu.
    """
    cuts = tuple(sorted({cut for cut in known.cuts if 0 < cut < spec.clip.length}))
    keys, notes = _keys(spec, cuts)
    size = size_within(known.size, spec.output.long_side)
    alpha = known.alpha or spec.output.look_only
    format_name, format_note = fitting_format(spec.output.format, size, alpha)
    source = source_identity(spec.clip.paths)
    anchor, anchor_note = _anchor(spec, keys) if known.needs_anchor else (None, "")
    notes = (*notes, *(note for note in (format_note, anchor_note) if note), *known.notes)
    previous = _previous(keys, anchor, cuts) if known.carries_previous else (None,) * len(keys)
    against = _Against(anchor, previous, {"source": source, "size": list(size), **_reading(spec)})
    hashes = _key_hashes(spec, keys, against, known)
    every = spec.mode == "every"
    groups = _groups(segments_of(keys, spec.clip.length, cuts), EVERY_PART_FRAMES if every else 0, cuts)
    asked = str(propagation_settings(spec)[ON])
    chosen(asked, size)  # A GPU that was asked for and isn't there is named now.
    shared = _segment_facts(spec, source, size, format_name)
    parts = tuple(Part(group, _part_hash(spec.clip, group, hashes, keys, shared)) for group in groups)
    joint = every or spec.output.baked
    return Plan(
        keys,
        hashes,
        cuts,
        parts,
        size,
        anchor,
        every,
        joint,
        format_name,
        source,
        notes,
        known.look_identity,
        previous,
        deep=known.deep and FORMATS[format_name].deep,
        alpha=alpha and FORMATS[format_name].alpha,
        devices=allowed(asked),
    )


def size_within(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """The size with its longer side at most `long_side` pixels and both sides even; as it is for 0 or a larger one."""
    longest = max(size)
    if not long_side or long_side >= longest:
        return size
    width, height = (max(2, 2 * round(side * long_side / longest / 2)) for side in size)
    return width, height


def explicit(spec: JobSpec, key: Key) -> Key:
    """The key with the prompt and the seed that count for it: its own or the job's; None where the look has none.

    Looks are opened without them (`neutral_settings`), so that a seed tried on a contact sheet is the same cached key
    when it becomes the job's.
    """
    own = own_settings(spec.look, spec.settings)
    prompt = key.prompt if key.prompt is not None else own.get("prompt")
    seed = key.seed if key.seed is not None else own.get("seed")
    return replace(key, prompt=prompt if "prompt" in own else None, seed=seed if "seed" in own else None)


def neutral_settings(spec: JobSpec) -> dict[str, Any]:
    """The look's own settings, completed, with the prompt and the seed left to the keys."""
    own = own_settings(spec.look, spec.settings)
    defaults = own_settings(spec.look, {})
    return without_prompt(own, defaults) if "prompt" in own else own


def source_identity(paths: Sequence[str]) -> str:
    """What tells one media file, or sequence, from another: paths, sizes and times of change.

    Raises MediaMissing, MediaUnreadable.
    """
    seen = []
    for path in paths:
        try:
            stat = os.stat(path)
        except FileNotFoundError:
            raise MediaMissing(path) from None
        except OSError as error:
            raise MediaUnreadable(path, error.strerror or "unknown") from error
        seen.append([path, stat.st_size, stat.st_mtime_ns])
    return digest(seen)


def _keys(spec: JobSpec, cuts: Sequence[int]) -> tuple[tuple[Key, ...], tuple[str, ...]]:
    """The job's keys with those that shots without one get, and notes on what was done."""
    length = spec.clip.length
    if spec.mode == "every":
        edges = [0, *cuts, length]
        frames = [frame for first, end in pairwise(edges) for frame in range(first, end, spec.step)]
        given = {key.frame: key for key in spec.keys}
        return check_keys([given.get(frame, Key(frame)) for frame in frames], length)
    keys, notes = keys_from_markers(spec.keys, length)
    keys, more = keys_for_shots(keys, length, cuts)
    return keys, (*notes, *more)


def _anchor(spec: JobSpec, keys: Sequence[Key]) -> tuple[int | None, str]:
    """The key that the others are made against: the one that was asked for, else the first that the look makes.

    With one that can't be, a note says which is. None when there is no other key to make.
    """
    made = [index for index, key in enumerate(keys) if not key.image]
    if len(made) < 2:
        return None, ""
    asked = int(own_settings(spec.look, spec.settings).get("anchor_key", -1))
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


@dataclass(frozen=True)
class _Against:
    """What keys are made from beside their own frame, and what their hashes share."""

    anchor: int | None
    previous: tuple[int | None, ...]
    shared: Mapping[str, Any]


def _key_hashes(spec: JobSpec, keys: Sequence[Key], against: _Against, known: Known) -> tuple[str, ...]:
    """A key's picture depends on its frame, on what the key overrides, on the look, on the anchor's frame, and on the
    picture before it where that is carried on.
    """

    def facts(key: Key) -> dict[str, Any]:
        base = {"stage": KEY_STAGE, **against.shared, "time": str(spec.clip.media_time(key.frame))}
        if key.image:
            return {**base, "image": _content(key.image)}
        own = known.key_facts.get(key.frame)
        asked = explicit(spec, key)
        made = {**base, "prompt": asked.prompt, "seed": asked.seed, "look": known.look_identity, "own": own}
        return {**made, "matte": matte_facts(spec)} if known.takes_mattes and spec.matte else made

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


def _segment_facts(spec: JobSpec, source: str, size: tuple[int, int], format_name: str) -> dict[str, Any]:
    """What every part of a job depends on beside its frames and keys, and where it is carried: `Part.filed`."""
    settings = propagation_settings(spec)
    del settings[ON]
    return {
        "stage": SEGMENT_STAGE,
        "source": source,
        **_reading(spec),
        "size": list(size),
        "rate": str(spec.clip.rate),
        "source_rate": str(spec.clip.source_rate or spec.clip.rate),
        "fade": spec.output.fade,
        "format": format_name,
        "settings": settings,
        "matte": matte_facts(spec),
        "look_only": spec.output.look_only,
        "every": spec.mode == "every",
    }


def _reading(spec: JobSpec) -> dict[str, Any]:
    """How the source's code values are read, where that isn't the usual way."""
    return {"untagged": spec.clip.untagged} if spec.clip.untagged else {}


def propagation_settings(spec: JobSpec) -> dict[str, Any]:
    """The job's settings that propagation, the matte and reading take: all that aren't the look's own."""
    own = own_settings(spec.look, spec.settings)
    wanted = {setting.key: setting.default for setting in (*PROPAGATE_SETTINGS, *MATTE_SETTINGS, *SOURCE_SETTINGS)}
    return {key: spec.settings.get(key, default) for key, default in wanted.items() if key not in own}


def matte_facts(spec: JobSpec) -> dict[str, Any] | None:
    """What decides the matte; None without one."""
    if not spec.matte:
        return None
    feather = spec.settings.get("matte_feather")
    # A matte that is a movie runs with the clip: where the clip begins in the media matters.
    return {"content": source_identity([spec.matte]), "trim_in": spec.clip.trim_in, "feather": feather}


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


def _part_hash(
    clip: ClipRange, group: Sequence[Segment], hashes: Sequence[str], keys: Sequence[Key], shared: Mapping[str, Any]
) -> str:
    """A part depends on when its frames lie in the media, not on where the clip begins: a trim changes nothing."""
    start = group[0].frames.first

    def side(index: int | None) -> Any:
        return None if index is None else [keys[index].frame - start, hashes[index]]

    inner = [[s.frames.first - start, s.frames.end - start, side(s.left), side(s.right)] for s in group]
    return digest({**shared, "time": str(clip.media_time(start)), "segments": inner})


def _content(path: str) -> str:
    try:
        return file_sha256(Path(path))
    except FileNotFoundError:
        raise MediaMissing(path) from None
    except OSError as error:
        raise MediaUnreadable(path, error.strerror or "unknown") from error
