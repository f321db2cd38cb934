"""A strip as a clip: which media frames it shows, and whether its file alone can say so.

Blender plays a movie frame by frame: strip frame n is media frame n, whatever the scene's rate. Only a strip that was
added with "use movie framerate" off carries a hidden flag that stretches it to the scene's rate; it shows the media
frame nearest to the time. RNA has no such flag, but the length of the content tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy

from restrip.errors import BadInput
from restrip.timeline import ClipRange, FrameRange, Rate

from . import vse

SILENT_KINDS = ("SOUND",)
PLAIN_COLOUR = ("sRGB", "")
UNTAGGED = "smpte170m"
"""What Blender takes a movie for that doesn't name its colour matrix, at every size: BT.601."""


class NothingToStylize(BadInput):
    """A strip without a picture."""

    code = "no-picture"


@dataclass(frozen=True)
class StripFacts:
    """What Blender says of a strip, free of bpy.

    `span` is what shows on the timeline; `start` the timeline frame of the untrimmed content and `content` its
    length there; `skipped` counts media frames hidden before the content. `fps` is the media's rate as Blender reads
    it, 0 for pictures. `reasons` say why the range must be rendered through the sequencer; `paths` are then empty.
    """

    name: str
    paths: tuple[str, ...]
    span: FrameRange
    rate: Rate
    start: int
    content: int
    skipped: int = 0
    fps: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def trim_in(self) -> int:
        """Timeline frames of content that are trimmed away before the first visible one."""
        return self.span.first - self.start


def subject_of(scene: Any, strip: Any) -> Any:
    """The strip whose picture the user sees for `strip`: the topmost effect with no other input."""
    while True:
        above = [other for other in vse.effects_on(scene, strip) if other.type in vse.ONE_INPUT]
        if not above:
            return strip
        strip = above[0]


def facts_of(scene: Any, strip: Any) -> StripFacts:
    """Read a strip. Raises NothingToStylize for one without a picture or without its file."""
    if strip.type in SILENT_KINDS:
        raise NothingToStylize(f"{strip.name} has no picture.", "Choose a movie, picture, scene or meta strip.")
    span = vse.span_of(strip)
    start, content = round(vse.content_start(strip)), vse.content_length(strip)
    reasons = tuple(_reasons(strip, span, start, content))
    if vse.animated(scene, strip) - {"blend_alpha"}:
        reasons += ("it is animated",)
    common: dict[str, Any] = {"name": strip.name, "span": span, "rate": vse.rate_of(scene), "start": start}
    if strip.type == "MOVIE":
        path = bpy.path.abspath(strip.filepath, library=scene.library)
        fps = vse.media_fps(strip, path)
        if fps <= 0:
            raise NothingToStylize(
                f"The file of {strip.name} is missing: {path}.", "Find it again, then try once more."
            )
        return StripFacts(
            paths=() if reasons else (str(Path(path).resolve()),),
            content=content,
            skipped=vse.skipped(strip),
            fps=fps,
            reasons=reasons,
            **common,
        )
    pictures = () if reasons else _pictures(scene, strip, len(span))
    return StripFacts(paths=pictures, content=content, reasons=reasons, **common)


def same_media(scene: Any, strip: Any, facts: StripFacts) -> bool:
    """Whether a strip still shows what `facts` were read from."""
    try:
        return facts_of(scene, strip).paths[:1] == facts.paths[:1]
    except NothingToStylize:
        return False


def clip_of(facts: StripFacts, media: Mapping[str, Any]) -> ClipRange:
    """The clip that shows exactly what the strip shows; `media` is the engine's answer to `probe`."""
    common: dict[str, Any] = {
        "paths": facts.paths,
        "rate": facts.rate,
        "length": len(facts.span),
        "timeline_start": facts.span.first,
        "name": facts.name,
    }
    if not facts.fps:
        return ClipRange(trim_in=max(0, facts.trim_in), **common)
    common["untagged"] = UNTAGGED
    source_rate = media_rate(facts.fps, str(media["rate"]))
    if not stretched(facts, int(media["frames"])):
        return ClipRange(trim_in=facts.trim_in + facts.skipped, source_rate=source_rate, **common)
    # Nearest frame: half a media frame later, and the hidden ones in seconds.
    later = source_rate.seconds(Fraction(1, 2) + facts.skipped)
    return ClipRange(trim_in=facts.trim_in, offset_s=later, **common)


def stretched(facts: StripFacts, media_frames: int) -> bool:
    """Whether Blender stretches the content to the scene's rate, by the length that it has."""
    shown = media_frames - facts.skipped
    as_is, adjusted = shown, shown * float(facts.rate) / facts.fps
    return abs(facts.content - adjusted) < abs(facts.content - as_is)


def media_rate(fps: float, probed: str) -> Rate:
    """Blender's rate of a movie (a rounded number) as the fraction that is meant."""
    exact = Rate.parse(probed)
    if abs(float(exact) - fps) < 1e-3:
        return exact
    return Rate(Fraction(fps).limit_denominator(100_000))


def _reasons(strip: Any, span: FrameRange, start: int, content: int) -> Iterator[str]:
    """Why the strip's files don't show what the strip shows, in words for the user."""
    if strip.type not in ("MOVIE", "IMAGE"):
        yield f"it is a {strip.type.lower().replace('_', ' ')} strip"
        return
    still = strip.type == "IMAGE" and len(strip.elements) == 1
    if not still and (span.first < start or span.end > start + content):
        yield "it is longer than its media"
    if vse.retimed(strip):
        yield "its speed was changed"
    if strip.use_reverse_frames:
        yield "it plays backwards"
    if strip.strobe > 1:
        yield "it has strobe on"
    if any((strip.crop.min_x, strip.crop.max_x, strip.crop.min_y, strip.crop.max_y)):
        yield "it is cropped"
    if any(not modifier.mute for modifier in strip.modifiers):
        yield "it has modifiers"
    if strip.color_multiply != 1.0 or strip.color_saturation != 1.0:
        yield "its colours were changed"
    if strip.use_deinterlace:
        yield "it is deinterlaced"
    if strip.type == "MOVIE" and vse.has(strip, "stream_index") and strip.stream_index > 0:
        yield "it shows another stream than the first"
    if strip.alpha_mode == "PREMUL" and not _file_of(strip).lower().endswith(".exr"):
        yield "its transparency is premultiplied"
    if strip.use_multiview:
        yield "it is stereoscopic"
    if strip.colorspace_settings.name not in PLAIN_COLOUR:
        yield f"its colour space is {strip.colorspace_settings.name}"


def _file_of(strip: Any) -> str:
    return str(strip.filepath if strip.type == "MOVIE" else strip.elements[0].filename)


def _pictures(scene: Any, strip: Any, length: int) -> tuple[str, ...]:
    folder = Path(bpy.path.abspath(strip.directory, library=scene.library)).resolve()
    paths = tuple(str(folder / element.filename) for element in strip.elements)
    missing = next((path for path in paths if not Path(path).is_file()), None)
    if missing:
        raise NothingToStylize(
            f"A picture of {strip.name} is missing: {missing}.", "Find it again, then try once more."
        )
    return paths * length if len(paths) == 1 else paths
