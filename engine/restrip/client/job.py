"""What goes to the engine and what comes back: JobSpec and Manifest, their fields in JSON's order.

The JSON forms are specified in docs/protocol.md, sections "A job" and "A manifest".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from restrip import codec
from restrip.errors import BadInput
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key

FEW_PATHS = 64
MOST_PATHS = 1_000_000
MOST_SIDE_PX = 16384
MOST_NUMBER = 10**12
"""Of frames and the like, either way from 0."""


class BadJob(BadInput):
    """A job description that can't be read."""

    code = "bad-job"


@dataclass(frozen=True)
class Output:
    """Where results go and as what.

    `folder` is an absolute path; empty means that results stay in the engine's own folder. `format` names a writer
    ("h264", "prores4444", ...). `fade` is "auto", "gap" (the whole gap between the keys) or a number of frames, 0 for
    cuts. `baked` asks for one blended movie beside the strips, `preview` for preview.mp4, `otio` and `sheet` name the
    files of a timeline and of a picture with source, keys and result side by side. `long_side` renders smaller: the
    frames' longer side in pixels, 0 for the clip's own size. `look_only` writes the look without the source around it,
    with the job's matte as alpha: to lie over the source in the editor. `draft` renders the same at a third of the
    size, with what is cheaper beside: to look at before the long render.
    """

    folder: str = ""
    format: str = "h264"
    fade: str | int = "auto"
    baked: bool = False
    preview: bool = False
    otio: str = ""
    sheet: str = ""
    long_side: int = 0
    look_only: bool = False
    draft: bool = False


@dataclass(frozen=True)
class Numbered:
    """A sequence of files in few words: `before`, a number of at least `digits` digits, `after`."""

    before: str
    digits: int
    first: int
    count: int
    after: str

    @classmethod
    def of(cls, paths: tuple[str, ...]) -> Numbered | None:
        """The numbering of these paths; None when they have none or are too few to be worth it."""
        if len(paths) < FEW_PATHS:
            return None
        found = re.fullmatch(r"(.*?)(\d+)(\D*)", paths[0], re.DOTALL)
        if found is None:
            return None
        made = cls(found[1], len(found[2]), int(found[2]), len(paths), found[3])
        try:
            return made if made.paths() == paths else None
        except codec.Misfit:  # Numbers as long as a time in nanoseconds.
            return None

    def paths(self) -> tuple[str, ...]:
        """Every path. Raises Misfit for numbers that no sequence has."""
        if not 0 < self.count <= MOST_PATHS or not 0 < self.digits < 40 or not 0 <= self.first < 10**18:
            raise codec.Misfit(f"is {codec.said(self.count)} files from {codec.said(self.first)}, which can't be")
        numbers = range(self.first, self.first + self.count)
        return tuple(f"{self.before}{n:0{self.digits}d}{self.after}" for n in numbers)


def clip_to_json(clip: ClipRange) -> dict[str, Any]:
    """A ClipRange as the `source` of a job; many pictures with consecutive numbers are told by their `numbered`."""
    numbered = Numbered.of(clip.paths)
    if numbered is None:
        return codec.write(clip)
    others = codec.write(replace(clip, paths=clip.paths[:1]))
    del others["paths"]
    return {"paths": [], "numbered": codec.write(numbered), **others}


def clip_from_json(body: Any) -> ClipRange:
    """Read what `clip_to_json` wrote. Raises BadJob, BadRange, BadRate, UnknownMatrix."""
    try:
        return _read_clip(body)
    except codec.Misfit as misfit:
        raise BadJob(f"The source can't be read: {misfit}.", "See docs/protocol.md, 'A job'.") from misfit


def _read_clip(body: Any) -> ClipRange:
    if isinstance(body, Mapping) and body.get("numbered") is not None:
        try:
            body = {**body, "paths": codec.read(Numbered, body["numbered"]).paths()}
        except codec.Misfit as misfit:
            raise misfit.under("numbered") from None
    return codec.read(ClipRange, body, most=MOST_NUMBER)


_CLIP = codec.at("source", read=_read_clip, write=clip_to_json)
_LOOK, _SETTINGS = codec.at("look", "name"), codec.at("look", "settings")


@dataclass(frozen=True)
class JobSpec:
    """One job: a clip, its keys, a look with its settings, and what to write.

    `mode` is "keys" or "every" (every `step`-th frame is a key). `cuts` are the first frames of new shots; None lets
    the engine find them. `matte` is the path of a picture or movie that limits the change (white changes).
    `settings` are the look's and the propagation's, by `Setting.key`.
    """

    job_id: str
    project: str = field(default="", kw_only=True)
    clip: ClipRange = field(metadata=_CLIP)
    keys: tuple[Key, ...]
    cuts: tuple[int, ...] | None = field(default=None, kw_only=True)
    matte: str = field(default="", kw_only=True)
    mode: str = field(default="keys", kw_only=True)
    step: int = field(default=1, kw_only=True)
    look: str = field(metadata=_LOOK)
    settings: Mapping[str, Any] = field(default_factory=dict, metadata=_SETTINGS)
    output: Output = field(default_factory=Output)
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """The body of `submit` and the content of job.json."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> JobSpec:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadJob, BadRange, BadRate."""

        def refuse(why: str) -> BadJob:
            return BadJob(f"The job can't be read: {why}.", "Update the front-end, or see docs/protocol.md.")

        return codec.read(cls, body, refuse, most=MOST_NUMBER)


@dataclass(frozen=True)
class KeyResult:
    """A key as it was made: what was asked, its picture's file, and facts such as the precision used."""

    key: Key = field(metadata=codec.at(inline=True))
    picture: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StripFile:
    """A rendered strip: key index, the frames of the clip that the file holds, the part that plays, the file.

    `timecode` is the one that the file gives its first frame, "" when it has none.
    """

    key: int
    frames: FrameRange
    visible: FrameRange
    file: str
    sha256: str
    timecode: str = ""


@dataclass(frozen=True)
class Manifest:
    """Everything that placing needs and everything that was used; the only thing a timeline is built from.

    Paths are absolute. `size` is (width, height) of the strips' files, upright. `baked`, `preview`, `sheet` and `otio`
    are "" when not asked for. `counts` says what was rendered and what came from the cache.
    """

    version: int = field(default=1, init=False)
    job_id: str
    engine_version: str
    clip: ClipRange = field(metadata=_CLIP)
    size: tuple[int, int]
    look: str = field(metadata=_LOOK)
    settings: Mapping[str, Any] = field(metadata=_SETTINGS)
    keys: tuple[KeyResult, ...]
    strips: tuple[StripFile, ...]
    fades: tuple[Crossfade, ...]
    cuts: tuple[int, ...] = ()
    baked: str = ""
    preview: str = ""
    otio: str = ""
    sheet: str = ""
    notes: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The content of manifest.json."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Manifest:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadJob, BadRange, BadRate."""

        def refuse(why: str) -> BadJob:
            return BadJob(f"The manifest can't be read: {why}.", "Render the job again.")

        return codec.read(cls, body, refuse)


def read_checked(path: str, sha256: str) -> dict[str, Any]:
    """The JSON object in a file that must have this sha256. Raises BadJob."""
    try:
        raw = Path(path).read_bytes()
        content = json.loads(raw)
    except (OSError, ValueError) as error:
        raise BadJob(f"{path} can't be read: {error}.", "Render the job again.") from error
    if hashlib.sha256(raw).hexdigest() != sha256 or not isinstance(content, dict):
        raise BadJob(f"{path} was changed after it was written.", "Render the job again.")
    return content
