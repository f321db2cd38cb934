"""What goes to the engine and what comes back: JobSpec and Manifest, and their JSON.

The JSON forms are specified in docs/protocol.md, sections "A job" and "A manifest".
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.timeline import ClipRange, Crossfade, FrameRange, Key, Rate

FEW_PATHS = 64
MOST_PATHS = 1_000_000
MOST_NUMBER = 10**12
"""Of frames and the like, either way from 0."""
MOST_SECONDS = 10**7

_TIME = re.compile(r"[-+]?[0-9]{1,30}(?:/[0-9]{1,30}|\.[0-9]{0,30})?")


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
    with the job's matte as alpha: to lie over the source in the editor.
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


@dataclass(frozen=True)
class JobSpec:
    """One job: a clip, its keys, a look with its settings, and what to write.

    `mode` is "keys" or "every" (every `step`-th frame is a key). `cuts` are the first frames of new shots; None lets
    the engine find them. `matte` is the path of a picture or movie that limits the change (white changes).
    `settings` are the look's and the propagation's, by `Setting.key`.
    """

    job_id: str
    clip: ClipRange
    keys: tuple[Key, ...]
    look: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    output: Output = field(default_factory=Output)
    cuts: tuple[int, ...] | None = None
    matte: str = ""
    mode: str = "keys"
    step: int = 1
    project: str = ""
    priority: int = 0

    def to_json(self) -> dict[str, Any]:
        """The body of `submit` and the content of job.json."""
        return {
            "job_id": self.job_id,
            "project": self.project,
            "source": clip_to_json(self.clip),
            "keys": [asdict(key) for key in self.keys],
            "cuts": None if self.cuts is None else list(self.cuts),
            "matte": self.matte,
            "mode": self.mode,
            "step": self.step,
            "look": {"name": self.look, "settings": dict(self.settings)},
            "output": asdict(self.output),
            "priority": self.priority,
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> JobSpec:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadJob, BadRange, BadRate."""
        try:
            cuts = body.get("cuts")
            return cls(
                job_id=_text(body["job_id"]),
                clip=clip_from_json(body["source"]),
                keys=tuple(_known(Key, key) for key in body["keys"]),
                look=_text(body["look"]["name"]),
                settings=dict(body["look"].get("settings", {})),
                output=_known(Output, body.get("output", {})),
                cuts=None if cuts is None else tuple(map(_whole, cuts)),
                matte=_text(body.get("matte", "")),
                mode=_text(body.get("mode", "keys")),
                step=_whole(body.get("step", 1)),
                project=_text(body.get("project", "")),
                priority=_whole(body.get("priority", 0)),
            )
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise BadJob(
                f"The job can't be read: {type(error).__name__} {str(error)[:200]}.",
                "Update the front-end, or see docs/protocol.md.",
            ) from error


@dataclass(frozen=True)
class KeyResult:
    """A key as it was made: what was asked, its picture's file, and facts such as the precision used."""

    key: Key
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

    job_id: str
    engine_version: str
    clip: ClipRange
    size: tuple[int, int]
    look: str
    settings: Mapping[str, Any]
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
        return {
            "version": 1,
            "job_id": self.job_id,
            "engine_version": self.engine_version,
            "source": clip_to_json(self.clip),
            "size": list(self.size),
            "look": {"name": self.look, "settings": dict(self.settings)},
            "keys": [{**asdict(k.key), "picture": k.picture, "facts": dict(k.facts)} for k in self.keys],
            "strips": [
                {
                    "key": s.key,
                    "frames": _pair(s.frames),
                    "visible": _pair(s.visible),
                    "file": s.file,
                    "sha256": s.sha256,
                    "timecode": s.timecode,
                }
                for s in self.strips
            ],
            "fades": [
                {"left": f.left, "right": f.right, "frames": _pair(f.frames), "kind": "cross", "score": f.score}
                for f in self.fades
            ],
            "cuts": list(self.cuts),
            "baked": self.baked,
            "preview": self.preview,
            "otio": self.otio,
            "sheet": self.sheet,
            "notes": list(self.notes),
            "counts": dict(self.counts),
            "facts": dict(self.facts),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Manifest:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadJob."""
        try:
            return cls(
                job_id=_text(body["job_id"]),
                engine_version=_text(body["engine_version"]),
                clip=clip_from_json(body["source"]),
                size=(int(body["size"][0]), int(body["size"][1])),
                look=_text(body["look"]["name"]),
                settings=dict(body["look"]["settings"]),
                keys=tuple(KeyResult(_known(Key, k), k["picture"], dict(k["facts"])) for k in body["keys"]),
                strips=tuple(
                    StripFile(
                        s["key"],
                        _range(s["frames"]),
                        _range(s["visible"]),
                        s["file"],
                        s["sha256"],
                        _text(s.get("timecode", "")),
                    )
                    for s in body["strips"]
                ),
                fades=tuple(Crossfade(f["left"], f["right"], _range(f["frames"]), f["score"]) for f in body["fades"]),
                cuts=tuple(body["cuts"]),
                baked=_text(body["baked"]),
                preview=_text(body["preview"]),
                otio=_text(body["otio"]),
                sheet=_text(body.get("sheet", "")),
                notes=tuple(body["notes"]),
                counts=dict(body["counts"]),
                facts=dict(body["facts"]),
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
            raise BadJob(
                f"The manifest can't be read: {type(error).__name__} {error}.", "Render the job again."
            ) from error


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
        return made if made.paths() == paths else None

    def paths(self) -> tuple[str, ...]:
        """Every path. Raises ValueError, TypeError for numbers that no sequence has."""
        if not 0 < self.count <= MOST_PATHS or not 0 < self.digits < 40 or not 0 <= self.first < 10**18:
            raise ValueError(f"{self.count} files from {self.first}")
        before, after = _text(self.before), _text(self.after)
        return tuple(f"{before}{n:0{self.digits}d}{after}" for n in range(self.first, self.first + self.count))


def clip_to_json(clip: ClipRange) -> dict[str, Any]:
    """A ClipRange as the `source` of a job; many pictures with consecutive numbers are told by their `numbered`."""
    numbered = Numbered.of(clip.paths)
    return {
        **({"paths": list(clip.paths)} if numbered is None else {"paths": [], "numbered": asdict(numbered)}),
        "rate": str(clip.rate),
        "source_rate": None if clip.source_rate is None else str(clip.source_rate),
        "trim_in": clip.trim_in,
        "length": clip.length,
        "timeline_start": clip.timeline_start,
        "name": clip.name,
        "offset_s": str(clip.offset_s),
        "untagged": clip.untagged,
    }


def clip_from_json(body: Mapping[str, Any]) -> ClipRange:
    """Read what `clip_to_json` wrote."""
    source_rate = body.get("source_rate")
    numbered = body.get("numbered")
    return ClipRange(
        paths=tuple(map(_text, body["paths"])) if numbered is None else Numbered(**numbered).paths(),
        rate=Rate.parse(body["rate"]),
        length=_whole(body["length"]),
        trim_in=_whole(body.get("trim_in", 0)),
        source_rate=None if source_rate is None else Rate.parse(source_rate),
        timeline_start=_whole(body.get("timeline_start", 0)),
        name=_text(body.get("name", "")),
        offset_s=_exact(body.get("offset_s", 0)),
        untagged=_text(body.get("untagged", "")),
    )


def _known(kind: type[Any], body: Mapping[str, Any]) -> Any:
    """A flat dataclass from the fields of `body` that it has."""
    return kind(**{name: body[name] for name in kind.__dataclass_fields__ if name in body})


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is no text")
    return value


def _whole(value: Any) -> int:
    """A whole number of a job's, such as a frame's. Raises TypeError, ValueError."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"a {type(value).__name__} is no whole number")
    if abs(value) > MOST_NUMBER:
        raise ValueError(f"a number of {len(f'{abs(value):x}') * 4} bits is too large")
    return value


def _exact(value: Any) -> Fraction:
    """A time in seconds: a number, or a text such as "1/48". Raises TypeError, ValueError, ZeroDivisionError."""
    if isinstance(value, float) and math.isfinite(value):
        value = f"{value:.12f}"
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(_whole(value))
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} is no time")
    # Powers of ten aren't read: 1e999999999 is nine letters, and a number of a billion digits.
    if not _TIME.fullmatch(value.strip()):
        raise ValueError(f"{value[:40]!r} is no time in seconds")
    seconds = Fraction(value)
    if abs(seconds) > MOST_SECONDS:
        raise ValueError(f"{float(seconds):g} seconds are too many")
    return seconds


def _pair(frames: FrameRange) -> list[int]:
    return [frames.first, frames.end]


def _range(pair: Any) -> FrameRange:
    return FrameRange(int(pair[0]), int(pair[1]))
