"""What can be said about a job before anything is opened: is it one that the engine can start on? Loads no numerics."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from restrip.errors import BadInput
from restrip.jobs.schema import job_settings
from restrip.link.ids import check_job_id
from restrip.link.job import BadJob, JobSpec
from restrip.link.setting import BadSetting, complete
from restrip.looks.settings import family_of
from restrip.media.formats import FORMATS
from restrip.timeline import ClipRange, Key, check_keys

MOST_FRAMES = 10_000_000
MOST_TEXT = 20_000


class StaleSettings(BadInput):
    """The front-end drew the settings of another engine."""

    code = "stale-settings"

    def __init__(self) -> None:
        super().__init__(
            "The engine's settings have changed since they were drawn.", "Ask for the settings again, then submit."
        )


class UnknownFormat(BadInput):
    """An output format that the engine doesn't write."""

    code = "unknown-format"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"There is no output format {given[:80]!r}.", f"Choose one of {', '.join(FORMATS)}.", format=given[:80]
        )


class RelativePath(BadInput):
    """A path that means another file wherever it is read."""

    code = "relative-path"

    def __init__(self, given: str) -> None:
        super().__init__(
            f"{given[:200]!r} is not an absolute path.", "Give the whole path: the engine has no current folder."
        )


def read_job(body: Mapping[str, Any]) -> JobSpec:
    """A job out of what came over the wire, checked as far as it can be without opening anything.

    Raises BadJob, BadJobId, BadSetting, BadRange, KeyOutside, UnknownLook, UnknownFormat, RelativePath.
    """
    spec = JobSpec.from_json(body)
    check_job_id(spec.job_id)
    _check_kinds(spec)
    check_clip(spec.clip)
    check_look(spec.look, spec.settings)
    check_keys(spec.keys, spec.clip.length, spec.clip.timeline_start)
    if spec.mode not in ("keys", "every") or not 1 <= spec.step <= MOST_FRAMES:
        raise BadJob(
            f"A job has no mode {spec.mode!r} with step {spec.step}.", "Use keys, or every with a step from 1."
        )
    _check_output(spec)
    if spec.output.look_only and not spec.matte:
        raise BadJob("The look alone can't be written without a matte.", "Choose a matte, or the whole picture.")
    return spec


def check_clip(clip: ClipRange) -> None:
    """Raise BadJob or RelativePath for a clip that can't be."""
    if clip.length > MOST_FRAMES or not 0 <= clip.trim_in <= 100 * MOST_FRAMES:
        raise BadJob(f"The clip has {clip.length} frames from {clip.trim_in}.", f"{MOST_FRAMES} frames are the most.")
    for path in clip.paths:
        check_path(path)


def check_look(look: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings completed with defaults. Raises UnknownLook, BadSetting."""
    family_of(look)
    for name, value in settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise BadSetting(f"{name} is {value}.", "Give a finite number.")
        if isinstance(value, str) and len(value) > MOST_TEXT:
            raise BadSetting(f"{name} has {len(value)} characters.", f"{MOST_TEXT} are the most.")
    return complete(job_settings(), settings)


def check_path(path: str) -> None:
    """Raise RelativePath unless `path` is absolute and a path at all."""
    if not os.path.isabs(path) or "\0" in path:
        raise RelativePath(path)


def _check_kinds(spec: JobSpec) -> None:
    """The wire's fields are what their names say; JSON would let anything through."""
    for key in spec.keys:
        _check_key(key)
    out = spec.output
    texts = (spec.look, spec.matte, spec.project, spec.clip.name, out.folder, out.format, out.otio, out.sheet)
    sound = (
        all(isinstance(text, str) and len(text) <= MOST_TEXT for text in texts)
        and isinstance(out.baked, bool)
        and isinstance(out.preview, bool)
        and isinstance(out.look_only, bool)
        and _is_int(out.long_side)
        and (isinstance(out.fade, str) or _is_int(out.fade))
        and (spec.cuts is None or all(0 <= cut < spec.clip.length for cut in spec.cuts))
        and abs(spec.priority) <= 1000
    )
    if not sound:
        raise BadJob("A field of the job's output is of another kind.", "See docs/protocol.md, 'A job'.")


def _check_key(key: Key) -> None:
    texts = (key.prompt, key.image, key.name)
    sound = (
        _is_int(key.frame)
        and all(text is None or (isinstance(text, str) and len(text) <= MOST_TEXT) for text in texts)
        and (key.seed is None or (_is_int(key.seed) and -(2**63) <= key.seed < 2**64))
    )
    if not sound:
        raise BadJob(f"The key on frame {str(key.frame)[:40]} has a field of another kind.", "See docs/protocol.md.")
    if key.image:
        check_path(key.image)


def _check_output(spec: JobSpec) -> None:
    out = spec.output
    if out.format not in FORMATS:
        raise UnknownFormat(out.format)
    if not 0 <= out.long_side <= 16384 or out.long_side == 1:
        raise BadJob(f"A long side of {out.long_side} pixels can't be written.", "Give 0, or 2 to 16384.")
    fade = out.fade
    if fade not in ("auto", "gap") and not (_is_int(fade) and 0 <= int(fade) <= MOST_FRAMES):
        raise BadJob(f"The fade can't be {str(fade)[:40]!r}.", "Give auto, gap, or a number of frames, 0 for cuts.")
    for path in (out.folder, out.otio, out.sheet, spec.matte):
        if path:
            check_path(path)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
