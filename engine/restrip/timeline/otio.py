"""A finished job as an OpenTimelineIO file, for any editor that reads one.

    track  Restrip   [ key 0    |>< key 1     >|< key 2 ]     >|< a SMPTE_Dissolve over the cut, fed by both handles
    track  Source    [ the clip                         ]
                      ^ global start: where the clip lies on the timeline that it comes from

Neighbouring strips meet in the middle of their fade, since that is how OTIO places a transition: it reaches `in_offset`
before the cut and `out_offset` beyond it, and takes those frames from the handles.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip.timeline.aside import write_whole
from restrip.timeline.made import JobMade, KeyMade, StripMade
from restrip.timeline.numbered import PictureRun, runs_of
from restrip.timeline.range import FrameRange
from restrip.timeline.rate import BadRate, Rate
from restrip.timeline.segment import Crossfade


class OtioMissing(BadInput):
    """The package that writes timelines is not installed."""

    code = "otio-missing"

    def __init__(self) -> None:
        super().__init__(
            "Writing a timeline needs the package OpenTimelineIO.", "Install it: pip install 'restrip[engine]'."
        )


class TimelineUnwritable(BadInput):
    """The place where the timeline should go can't be written."""

    code = "timeline-unwritable"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be written: {why}.", "Choose a folder where you may write.", path=path, why=why)


def write_timeline(job: JobMade, path: str | os.PathLike[str]) -> None:
    """Write the job as an .otio file, which appears whole or not at all. Raises OtioMissing, TimelineUnwritable."""
    text = build_timeline(job).to_json_string()
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text.encode())
    except OSError as error:
        raise TimelineUnwritable(str(target), (error.strerror or str(error)).lower()) from error


def build_timeline(job: JobMade) -> Any:
    """The job as an `opentimelineio.schema.Timeline`. Raises OtioMissing."""
    return _Builder(job).timeline()


def cut_of(fade: Crossfade) -> int:
    """The frame at which the right strip begins in OTIO's terms: the fade's middle.

    A fade of one frame shows only the left strip (its mix there is 0), so it is a cut at its end.
    """
    length = len(fade.frames)
    return fade.frames.end if length == 1 else fade.frames.first + length // 2


class _Builder:
    """One timeline being built; holds the package, which is loaded late."""

    def __init__(self, job: JobMade) -> None:
        try:
            import opentimelineio
        except ImportError:
            raise OtioMissing from None
        self.otio: Any = opentimelineio
        self.job = job
        self.rate = job.clip.rate

    def timeline(self) -> Any:
        """Source below, strips above, the source's sound if it has any."""
        clip, schema = self.job.clip, self.otio.schema
        name = clip.name or Path(clip.paths[0]).stem
        timeline = schema.Timeline(name, global_start_time=self.time(clip.timeline_start))
        timeline.metadata["restrip"] = {"job": self.job.job_id, "look": self.job.look}
        source = schema.Track("Source", kind=schema.TrackKind.Video)
        source.extend(self.source())
        strips = schema.Track("Restrip", kind=schema.TrackKind.Video)
        strips.extend(self.strips())
        timeline.tracks.extend([source, strips])
        if self.job.facts.get("media", {}).get("audio"):
            sound = schema.Track("Sound", kind=schema.TrackKind.Audio)
            sound.extend(self.source())
            timeline.tracks.append(sound)
        return timeline

    def time(self, frames: int, rate: Rate | None = None) -> Any:
        """A time in frames of the timeline's rate, or of another."""
        return self.otio.opentime.RationalTime(frames, float(rate or self.rate))

    def span(self, frames: FrameRange, rate: Rate | None = None) -> Any:
        """A range of frames of a rate."""
        return self.otio.opentime.TimeRange(self.time(frames.first, rate), self.time(len(frames), rate))

    def strips(self) -> Iterator[Any]:
        """Clips and the transitions between them, in order; a strip that never shows is left out."""
        begins = {fade.right: fade for fade in self.job.fades}
        ends = {fade.left: fade for fade in self.job.fades}
        for strip in self.job.strips:
            before, after = begins.get(strip.key), ends.get(strip.key)
            first = strip.frames.first if before is None else cut_of(before)
            end = strip.frames.end if after is None else cut_of(after)
            if before is not None and len(before.frames) > 1:
                yield self.dissolve(before)
            if first < end:
                yield self.strip(strip, FrameRange(first, end))

    def dissolve(self, fade: Crossfade) -> Any:
        """A fade as a transition over its cut."""
        cut, schema = cut_of(fade), self.otio.schema
        return schema.Transition(
            name="Cross Dissolve",
            transition_type=schema.TransitionTypes.SMPTE_Dissolve,
            in_offset=self.time(cut - fade.frames.first),
            out_offset=self.time(fade.frames.end - cut),
            metadata={"restrip": {"score": fade.score}},
        )

    def strip(self, strip: StripMade, plays: FrameRange) -> Any:
        """A strip as a clip, its file from 0, with the keys in it as markers."""
        start = -strip.frames.first
        media = self.media(strip.file, self.span(FrameRange(0, len(strip.frames))))
        clip = self.otio.schema.Clip(media.name, media, self.span(plays.shifted(start)))
        # In mode "every" a strip spans many keys; else its neighbours' keys lie inside it too, and aren't its own.
        alone = len(self.job.strips) == len(self.job.keys)
        for index, made in enumerate(self.job.keys):
            if made.key.frame in strip.frames and (index == strip.key or not alone):
                clip.markers.append(self.marker(made, made.key.frame + start))
        return clip

    def marker(self, made: KeyMade, frame: int) -> Any:
        """A key as a marker, with its prompt where Resolve shows it."""
        key, schema = made.key, self.otio.schema
        facts = {
            name: getattr(key, name) for name in ("frame", "prompt", "seed", "image") if getattr(key, name) is not None
        }
        return schema.Marker(
            name=key.name or f"Key {key.frame}",
            marked_range=self.span(FrameRange(frame, frame + 1)),
            color=schema.MarkerColor.CYAN,
            metadata={
                "restrip": {**facts, "picture": made.picture},
                "Resolve_OTIO": {"Keywords": [], "Note": key.prompt or ""},
            },
        )

    def media(self, path: str, available: Any) -> Any:
        """A reference to a movie by its bare path, as Resolve wants it, or to a folder of numbered pictures."""
        if os.path.isdir(path):
            pictures = sorted(name for name in os.listdir(path) if not name.startswith("."))
            return self.pictures(runs_of([os.path.join(path, name) for name in pictures])[0], self.rate)
        return self.reference(path, available)

    def reference(self, path: str, available: Any) -> Any:
        """A reference to one file, named like it: Resolve looks for media by name too."""
        media = self.otio.schema.ExternalReference(target_url=path, available_range=available)
        media.name = os.path.basename(path)
        return media

    def pictures(self, run: PictureRun, rate: Rate) -> Any:
        """A reference to pictures with numbers in their names."""
        available = self.span(FrameRange(0, run.length), rate)
        if not run.digits:
            return self.reference(os.path.join(run.folder, run.prefix), available)
        media = self.otio.schema.ImageSequenceReference(
            target_url_base=run.folder,
            name_prefix=run.prefix,
            name_suffix=run.suffix,
            start_frame=run.start,
            frame_step=run.step,
            frame_zero_padding=run.digits,
            rate=float(rate),
            available_range=available,
        )
        first, last = (f"{number:0{run.digits}d}" for number in (run.start, run.end - run.step))
        media.name = f"{run.prefix}[{first}-{last}]{run.suffix}"
        return media

    def source(self) -> list[Any]:
        """The clip itself: one item, or one for each unbroken run of a picture sequence."""
        clip = self.job.clip
        played = clip.source_rate or clip.rate
        if len(clip.paths) == 1:
            media, start = self.source_movie(played)
            return [self.source_item(media, start, clip.length)]
        items = []
        shown = FrameRange(clip.trim_in, clip.trim_in + clip.length)
        at = 0
        for run in runs_of(clip.paths):
            here = FrameRange(at, at + run.length)
            part = shown.within(here)
            # The last picture is held when the clip goes on beyond it.
            length = len(part) + (max(0, shown.end - here.end) if here.end == len(clip.paths) else 0)
            if length:
                start = self.time(part.first - at, played)
                items.append(self.source_item(self.pictures(run, played), start, length))
            at += run.length
        return items

    def source_movie(self, played: Rate) -> tuple[Any, Any]:
        """The reference to the source's file, and the media time of the clip's first frame; both by its timecode."""
        clip, facts = self.job.clip, self.job.facts.get("media", {})
        try:
            rate = Rate.parse(facts["rate"])
            begin = self.otio.opentime.from_timecode(facts.get("timecode") or "00:00:00:00", float(rate))
            whole = self.otio.opentime.TimeRange(begin, self.time(int(facts["frames"]), rate))
        except (KeyError, BadRate, ValueError):
            # Nothing is known of the file but the part that was used.
            begin = self.time(0, played)
            whole = self.span(FrameRange(0, clip.trim_in + clip.length), played)
        media = self.reference(clip.paths[0], whole)
        return media, begin.rescaled_to(float(played)) + self.time(clip.trim_in, played)

    def source_item(self, media: Any, start: Any, length: int) -> Any:
        """A clip of the source; one that plays at another speed says so."""
        schema, clip = self.otio.schema, self.job.clip
        item = schema.Clip(media.name, media, self.otio.opentime.TimeRange(start, self.time(length)))
        item.metadata["Resolve_OTIO"] = {"Link Group ID": 1}
        if clip.source_rate is not None and clip.source_rate != clip.rate:
            item.effects.append(
                schema.LinearTimeWarp(time_scalar=float(clip.rate.fraction / clip.source_rate.fraction))
            )
        return item
