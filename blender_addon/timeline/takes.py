"""Takes: every version of a result, in one meta strip. One is shown; the others are muted, further up in it.

channel 4, 5, 6   take 1, muted
channel 1, 2, 3   take 2, shown

A new version never lies over the last one on the timeline, and going back renders nothing. What the editor changed in
an older take is still there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from restrip.client.draft import is_draft
from restrip.client.job import Manifest

from .. import previews
from . import channels, vse

ROWS = 3


def listed(meta: Any) -> list[dict[str, Any]]:
    """What is known of each take, the oldest first: its number, its job, its look, when it was made."""
    try:
        found = json.loads(meta.restrip.takes or "[]")
    except ValueError:
        found = []
    if not found and meta.restrip.result_of:  # Placed by an older version, which knew of one take only.
        found = [{"take": 0, "job": meta.restrip.result_of}]
    return list(found)


def shown(meta: Any) -> list[Any]:
    """The strips of the take that is shown."""
    return [strip for strip in vse.strips_of(meta) if strip.restrip.take == meta.restrip.take]


def holds(meta: Any, job_id: str) -> bool:
    """Whether one of a result's takes is from this job."""
    return any(take.get("job") == job_id for take in listed(meta))


def job_of(meta: Any, strip: Any) -> str:
    """The job that made a strip in a result; the shown take's for what the editor put there."""
    made = (str(take["job"]) for take in listed(meta) if take["take"] == strip.restrip.take)
    return next(made, str(meta.restrip.result_of))


def make_rows(meta: Any) -> None:
    """Free the lowest channels in a result for a new take; the oldest hidden one goes when there is no more room."""
    for row in range(1, ROWS + 1):
        while (empty := _empty(meta, row)) is None:
            forget(meta, next(take["take"] for take in listed(meta) if take["take"] != meta.restrip.take))
        if empty != row:
            channels.make(meta, channels.Room(row, empty))


def add(meta: Any, manifest: Manifest, strips: Mapping[str, Any]) -> None:
    """Show new strips, given by their names, as a take of their own; hide the one that was shown until now."""
    before = listed(meta)
    number = max((take["take"] for take in before), default=0) + 1
    if before:
        _hide(meta.restrip.take, [strip for strip in shown(meta) if strip not in strips.values()])
    for name, strip in strips.items():
        strip.restrip.take = number
        strip.name = name  # While both takes had it, Blender numbered the new one.
    made = {
        "take": number,
        "job": manifest.job_id,
        "look": manifest.look,
        "made": datetime.now().astimezone().isoformat(timespec="minutes"),
        "keys": len(manifest.keys),
        "over": bool(manifest.facts.get("look_only")),
        "draft": is_draft(manifest),
    }
    meta.restrip.take = number
    meta.restrip.takes = json.dumps([*before, made])


def keys_of(meta: Any) -> int:
    """How many keys the shown take was made with; 0 when an older version placed it."""
    return next((int(take.get("keys", 0)) for take in listed(meta) if take["take"] == meta.restrip.take), 0)


def refresh(meta: Any, manifest: Manifest) -> None:
    """The shown take is from another job now, and as old as that."""
    made = {"job": manifest.job_id, "made": datetime.now().astimezone().isoformat(timespec="minutes")}
    new = [{**take, **made} if take["take"] == meta.restrip.take else take for take in listed(meta)]
    meta.restrip.takes = json.dumps(new)


def show(meta: Any, number: int) -> Mapping[str, Any]:
    """Show a take in place of the one that is shown; returns what is known of it."""
    _hide(meta.restrip.take, shown(meta))
    meta.restrip.take = number
    for strip in shown(meta):
        strip.name = strip.name.removesuffix(_suffix(number))
        if strip.restrip.hid:
            strip.mute = strip.restrip.hid = False
    return next(take for take in listed(meta) if take["take"] == number)


def forget(meta: Any, number: int) -> None:
    """Take a hidden take off the timeline; its files stay."""
    for strip in [strip for strip in vse.strips_of(meta) if strip.restrip.take == number and vse.inputs_of(strip)]:
        vse.remove(meta, strip)
    for strip in [strip for strip in vse.strips_of(meta) if strip.restrip.take == number]:
        vse.remove(meta, strip)
    meta.restrip.takes = json.dumps([take for take in listed(meta) if take["take"] != number])


def said(take: Mapping[str, Any]) -> str:
    """One take in a menu: "Take 2: Blue Night (19), 3 keyframes, 14:03"."""
    made = str(take.get("made", ""))
    today = made[:10] == datetime.now().astimezone().isoformat()[:10]
    when = made[11:16] if today else made[:16].replace("T", " ")
    count = take.get("keys", 0)
    keys = f"{count} keyframe{'' if count == 1 else 's'}" if count else ""
    draft = "draft" if take.get("draft") else ""
    facts = ", ".join(filter(None, (_look_said(str(take.get("look", ""))), draft, keys, when)))
    return f"Take {take['take'] or 1}" + (f": {facts}" if facts else "")


def _look_said(look: str) -> str:
    """A look by the name that the list of looks gives it; of a file, its name."""
    family, _, argument = look.partition(":")
    named = (label for number, label, *_ in previews.looks() if family == "neural" and number == argument)
    return next(named, Path(argument).name if family != "neural" else look)


def _hide(number: int, strips: list[Any]) -> None:
    for strip in strips:
        strip.name = f"{strip.name.removesuffix(_suffix(number))}{_suffix(number)}"
        if not strip.mute:
            strip.mute = strip.restrip.hid = True


def _suffix(number: int) -> str:
    return f" (take {number or 1})"


def _empty(meta: Any, least: int) -> int | None:
    used = {strip.channel for strip in vse.strips_of(meta)}
    return next((number for number in range(least, vse.CHANNELS + 1) if number not in used), None)
