"""What the engine reads for a clip: the file itself when that shows the same, else a render of the range."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from restrip.errors import BadInput, RemoteError
from restrip.timeline import ClipRange, FrameRange, Rate
from restrip_resolve.clips.clip import Media, SourceClip
from restrip_resolve.clips.render import render_range
from restrip_resolve.engine import Engine
from restrip_resolve.session import Session

SAME_RATE = Fraction(2, 100)
"""Rates that differ by less are the same: containers of phone clips round them."""


UNREADABLE = ("media-unreadable", "media-damaged", "decoder-missing", "colours-unreadable")
"""What the engine says of files that Resolve may read all the same: BRAW, R3D and others."""

UNSEEN = (
    "{} is read from its file. Effects of the Edit page and speed ramps aren't told to scripts: if it has any, set"
    " `with_grade = always`."
)


class NeedsRender(BadInput):
    """The file alone doesn't show what the timeline shows, and renders are turned off."""

    code = "needs-render"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"{name} can't be read from its file: {why}.",
            "Set `with_grade = auto` in the settings: Resolve then renders the range first.",
        )


@dataclass(frozen=True)
class Source:
    """What goes to the engine, with what has to be said about it. `rendered` is the file of a render, or ""."""

    clip: ClipRange
    notes: tuple[str, ...] = ()
    rendered: str = ""


def source_of(session: Session, engine: Engine, clip: SourceClip, choice: str, folder: Path) -> Source:
    """The clip's used range for the engine; `choice` is the setting with_grade: auto, always or never.

    A render goes into `folder`. Raises NeedsRender, RenderFailed, RenderBusy and what the engine says of the media.
    """
    reasons = list(clip.render)
    if choice == "always":
        reasons.append("`with_grade` is always")
    if not reasons and clip.media is not None:
        try:
            info = engine.probe(clip.media.paths)
            why = differs(clip.media, info)
        except RemoteError as error:
            if error.code not in UNREADABLE:
                raise
            why = f"only Resolve can read its file ({error.message.rstrip('.')})"
            if choice == "never":
                raise NeedsRender(clip.name, why) from error
        if not why:
            return Source(_from_file(session, clip, clip.media, info), (*clip.notes, UNSEEN.format(clip.name)))
        reasons.append(why)
    if choice == "never" and clip.media is not None and not _built(clip):
        return Source(_from_file(session, clip, clip.media, {}), (*clip.notes, _ignored(clip, reasons)))
    if choice == "never":
        raise NeedsRender(clip.name, " and ".join(reasons))
    session.console.say(f"{clip.name} is rendered by Resolve first: {', '.join(reasons)}.")
    used = FrameRange(clip.first_used, clip.first_used + len(clip.used))
    return from_render(session, clip, render_range(session, clip.track, used, folder))


def from_render(session: Session, clip: SourceClip, file: Path) -> Source:
    """The used range as a file that holds nothing else."""
    made = ClipRange(
        paths=(str(file),),
        rate=session.rate,
        length=len(clip.used),
        timeline_start=clip.first_used,
        name=clip.name,
    )
    return Source(made, clip.notes, str(file))


def differs(media: Media, info: dict[str, Any]) -> str:
    """Why the file holds something else than Resolve's clip of it (a subclip, say); "" when it doesn't."""
    if len(media.paths) > 1 or info.get("vfr") or not media.frames or media.rate is None:
        return ""
    frames, played = int(info["frames"]), media.frames
    if abs(frames - played) > max(2, frames // 50):
        return f"Resolve shows {played} frames of a file that has {frames}"
    return ""


def _from_file(session: Session, clip: SourceClip, media: Media, info: dict[str, Any]) -> ClipRange:
    return ClipRange(
        paths=media.paths,
        rate=session.rate,
        length=len(clip.used),
        trim_in=clip.left + clip.used.first,
        source_rate=_conformed(session.rate, media, info),
        timeline_start=clip.first_used,
        name=clip.name,
    )


def _conformed(timeline: Rate, media: Media, info: dict[str, Any]) -> Rate | None:
    """The rate at which timeline frames walk through a file that Resolve was told to play at another rate.

    A 50/s file played at 25 on a timeline of 25: timeline frames are the file's frames, 1/50 s apart.
    """
    if media.rate is None or len(media.paths) > 1 or info.get("vfr") or not info.get("rate"):
        return None
    ratio = Rate.parse(info["rate"]).fraction / media.rate.fraction
    return None if abs(ratio - 1) < SAME_RATE else Rate(timeline.fraction * ratio)


def _built(clip: SourceClip) -> bool:
    return clip.media is None or any(why.startswith(("it is built", "it is a still", "its ")) for why in clip.render)


def _ignored(clip: SourceClip, reasons: list[str]) -> str:
    return f"{clip.name} is read from its file although {' and '.join(reasons)}: `with_grade` is never."
