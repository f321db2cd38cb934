"""Given keys compared with their frames before the job is planned: what was found decides what is rendered anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache

from restrip.jobs.frame_source import Window
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.plan import Plan
from restrip.jobs.tasks.registry import Assignment
from restrip.looks import Look
from restrip.looks.keys_from_files import read_key_picture
from restrip.registration.correction import Comparison, Correction, KeyNotInRegister, KeyUnlikeFrame
from restrip.registration.find import LEAST_PX, compare
from restrip.storage import json_files
from restrip.timeline import Key

FIND_STAGE = 9
"""Raised when keys are compared in another way: what older code found is then not found any more."""


@dataclass(frozen=True)
class Compared:
    """What is done with given keys, by frame, and what the user should know."""

    corrections: Mapping[int, Correction] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def compare_keys(task: Assignment, spec: Job, plan: Plan, look: Look) -> Compared:
    """Compare every picture that was given for a key of the plan with its frame.

    Raises KeyImageUnreadable, and with strict keys KeyNotInRegister and KeyUnlikeFrame.
    """
    settings = spec.asked.keys
    given = [n for n, key in enumerate(plan.keys) if look.picture_given(key)]
    corrections: dict[int, Correction] = {}
    notes: list[str] = []
    if not given:
        return Compared()
    compared = settings.key_registration != "off"
    with ExitStack() as opened:
        # Only what wasn't found before needs the clip.
        clip = cache(lambda: opened.enter_context(Window(spec, plan, spec.clip.frames, for_keys=True)))
        for done, index in enumerate(given):
            key, found = plan.keys[index], Comparison()
            if compared:
                task.report("reading", done, len(given))
                found = _finding(task, plan, clip, index, look.picture_given(key))
            if settings.key_registration == "strict":
                _check(found, _numbered(spec, key), settings.key_tolerance)
            corrections[key.frame] = Correction(found.warp, settings.locks_color, settings.puts_back, found.way)
            notes.append(found.note(_numbered(spec, key)))
    return Compared({n: one for n, one in corrections.items() if one.facts}, tuple(filter(None, notes)))


def _check(found: Comparison, number: int, most_px: float) -> None:
    """With strict keys: raise KeyNotInRegister or KeyUnlikeFrame."""
    if found.off_px > most_px:
        raise KeyNotInRegister(number, found.said, found.off_px, most_px)
    if found.verdict == "unlike":
        raise KeyUnlikeFrame(number, found.said)


def _finding(task: Assignment, plan: Plan, clip: Callable[[], Window], index: int, path: str) -> Comparison:
    """How a key's picture lies beside its frame: found once and kept."""
    # Without corrections a key's hash stands for its frame and its picture.
    facts_key = json_files.digest({"stage": FIND_STAGE, "compared": plan.key_hashes[index]})
    kept = task.cache.find("facts", facts_key)
    if kept is not None:
        finding = kept.facts["finding"]
        return Comparison(**{**finding, "size": tuple(finding["size"])})
    key = plan.keys[index]
    picture = read_key_picture(path, key.frame, clip().colours).frame
    if min(picture.size) < LEAST_PX:
        found = Comparison("unlike", f"being only {picture.size[0]}x{picture.size[1]}")
    else:
        found = compare(clip().frame(key.frame), picture)
    with task.cache.make("facts", facts_key) as draft:
        clip().check()
        draft.facts["finding"] = asdict(found)
    return found


def _numbered(spec: Job, key: Key) -> int:
    """A key's frame as the editor's timeline counts it."""
    return spec.clip.timeline_start + key.frame
