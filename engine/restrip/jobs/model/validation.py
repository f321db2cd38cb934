"""What can be said about a job before anything is opened: is it one that the engine can start on? Loads no numerics."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from restrip.client.ids import check_job_id
from restrip.client.job import MOST_SIDE_PX, BadJob, JobSpec
from restrip.client.setting import BadSetting, Setting, complete
from restrip.errors import BadInput
from restrip.jobs.model.effective_settings import Job
from restrip.jobs.model.settings_schema import job_settings
from restrip.looks.diffusion.checkpoints.file_lists import read_list, read_tags
from restrip.looks.families import family_of
from restrip.looks.look import UnknownLook
from restrip.media.formats import FORMATS
from restrip.timeline import ClipRange, Key, check_keys

MOST_FRAMES = 10_000_000
MOST_KEYS = 200_000
MOST_TEXT = 20_000
MOST_PATH = 4096
MOST_NAMED = 64
"""Files in one setting."""
TIMELINES, SHEETS = (".otio",), (".png",)
"""How timelines and sheets are called: a job names no other kind of file, such as one that starts programs."""


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
        if len(given) > MOST_PATH:
            super().__init__(f"A path of {len(given)} characters ({given[:80]!r}...) is too long.", "Choose another.")
            return
        super().__init__(
            f"{given[:200]!r} is not an absolute path.", "Give the whole path: the engine has no current folder."
        )


def read_job(body: Mapping[str, Any]) -> Job:
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
            f"A job has no mode {spec.mode[:40]!r} with step {spec.step}.", "Use keys, or every with a step from 1."
        )
    keys = -(-spec.clip.length // spec.step) if spec.mode == "every" else len(spec.keys)
    if keys > MOST_KEYS:
        raise BadJob(f"The job has {keys} keys; {MOST_KEYS} are the most.", "Take a larger step, or a shorter clip.")
    _check_output(spec)
    if spec.output.look_only and not spec.matte:
        raise BadJob("The look alone can't be written without a matte.", "Choose a matte, or the whole picture.")
    return Job.of(spec)


def check_clip(clip: ClipRange) -> None:
    """Raise BadJob or RelativePath for a clip that can't be."""
    if clip.length > MOST_FRAMES or not 0 <= clip.trim_in <= 100 * MOST_FRAMES:
        raise BadJob(
            f"The clip has {clip.length} frames from frame {clip.trim_in} of its media.",
            f"{MOST_FRAMES} frames are the most.",
        )
    if len(clip.name) > MOST_TEXT:
        raise BadJob(f"The clip's name has {len(clip.name)} characters.", f"{MOST_TEXT} are the most.")
    for path in clip.paths:
        check_path(path)


def check_look(look: str, settings: Mapping[str, Any]) -> None:
    """Look at all settings that are given, those of other looks too. Raises UnknownLook, BadSetting."""
    if len(look) > MOST_PATH or not _is_written(look):
        raise UnknownLook("There is no look of such a name.", "A look's name is a few words, or a path.")
    family_of(look)
    for name, value in settings.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise BadSetting(f"{name} is {value}.", "Give a finite number.")
        if isinstance(value, str) and len(value) > MOST_TEXT:
            raise BadSetting(f"{name[:80]} has {len(value)} characters.", f"{MOST_TEXT} are the most.")
        if isinstance(value, str) and not _is_written(value):
            raise BadSetting(f"{name[:80]} holds what is no text.", "Write it anew.")
    for setting in job_settings():
        _check_named(setting, settings.get(setting.key))
    complete(job_settings(), settings)


def _check_named(setting: Setting, value: Any) -> None:
    """Raise BadSetting for a list of files that is too long, or a path that is no path."""
    if not setting.files or not isinstance(value, str):
        return
    if setting.files == "one":
        names = [value]
    elif setting.files == "words":
        return
    elif setting.files == "tags":
        names = [entry.name for entry in read_tags(value)]
    else:
        names = [entry.name for entry in read_list(value, lambda name: False, kinds=setting.files == "list of kinds")]
    if len(names) > MOST_NAMED:
        raise BadSetting(f"{setting.key} names {len(names)} files.", f"{MOST_NAMED} are the most.", setting=setting.key)
    if any(len(name) > MOST_PATH or "\0" in name for name in names):
        raise BadSetting(f"{setting.key} names a file that can't be.", "Give a path or a name.", setting=setting.key)


def check_path(path: str) -> None:
    """Raise RelativePath unless `path` is absolute and a path at all."""
    if not os.path.isabs(path) or "\0" in path or len(path) > MOST_PATH or not _is_written(path):
        raise RelativePath(path)


def _is_written(text: str) -> bool:
    """Whether a text can be written to a file, or be a file's name: half of a surrogate pair can't."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True


def _check_kinds(spec: JobSpec) -> None:
    """The wire's fields are what their names say; JSON would let anything through."""
    for key in spec.keys:
        _check_key(key)
    out = spec.output
    texts = (spec.look, spec.matte, spec.project, spec.clip.name, out.folder, out.format, out.otio, out.sheet)
    sound = (
        all(is_short(text) for text in texts)
        and isinstance(out.baked, bool)
        and isinstance(out.preview, bool)
        and isinstance(out.look_only, bool)
        and isinstance(out.draft, bool)
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
        and abs(key.frame) <= MOST_FRAMES
        and all(text is None or is_short(text) for text in texts)
        and (key.seed is None or (_is_int(key.seed) and -(2**63) <= key.seed < 2**64))
    )
    if not sound:
        raise BadJob(f"The key on frame {_frame(key.frame)} has a field of another kind.", "See docs/protocol.md.")
    if key.image:
        check_path(key.image)


def _frame(value: object) -> str:
    return str(value) if isinstance(value, int) and abs(value) <= MOST_FRAMES else f"of kind {type(value).__name__}"


def _check_output(spec: JobSpec) -> None:
    out = spec.output
    if out.format not in FORMATS:
        raise UnknownFormat(out.format)
    if not 0 <= out.long_side <= MOST_SIDE_PX or out.long_side == 1:
        raise BadJob(f"A long side of {out.long_side} pixels can't be written.", f"Give 0, or 2 to {MOST_SIDE_PX}.")
    fade = out.fade
    if fade not in ("auto", "gap") and not (_is_int(fade) and 0 <= int(fade) <= MOST_FRAMES):
        raise BadJob(
            f"The fade can't be {fade[:40]!r}." if isinstance(fade, str) else "The fade has too many frames.",
            "Give auto, gap, or a number of frames, 0 for cuts.",
        )
    for path, endings in ((out.otio, TIMELINES), (out.sheet, SHEETS)):
        if path and os.path.splitext(path)[1].lower() not in endings:
            raise BadJob(f"{path[:200]!r} is no name for that file.", f"Let it end in {' or '.join(endings)}.")
    for path in (out.folder, out.otio, out.sheet, spec.matte):
        if path:
            check_path(path)


def is_short(text: object) -> bool:
    """Whether this is a text of a length that a job may have."""
    return isinstance(text, str) and len(text) <= MOST_TEXT and _is_written(text)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
