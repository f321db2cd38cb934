"""A finished job as an OpenTimelineIO file, for any editor that reads one.

    track  Restrip   [ key 0    |>< key 1     >|< key 2 ]     >|< a SMPTE_Dissolve over the cut, fed by both handles
    track  Source    [ the clip                         ]
                      ^ global start: where the clip lies on the timeline that it comes from

Neighbouring strips meet in the middle of their fade, since that is how OTIO places a transition: it reaches `in_offset`
before the cut and `out_offset` beyond it, and takes those frames from the handles.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from restrip.errors import BadInput
from restrip.storage.atomic import write_whole
from restrip.storage.texts import words
from restrip.timeline import otio_schema as schema
from restrip.timeline.finished_job import JobMade, KeyMade, StripMade
from restrip.timeline.numbered_files import PictureRun, runs_of
from restrip.timeline.otio_schema import Object
from restrip.timeline.range import FrameRange
from restrip.timeline.rate import BadRate, Rate
from restrip.timeline.segment import Crossfade
from restrip.timeline.timecode import frame_number

TRACK = "Restrip"


class TimelineUnwritable(BadInput):
    """The place where the timeline should go can't be written."""

    code = "timeline-unwritable"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path} can't be written: {why}.", "Choose a folder where you may write.", path=path, why=why)


def write_timeline(job: JobMade, path: str | os.PathLike[str]) -> None:
    """Write the job as an .otio file, which appears whole or not at all. Raises TimelineUnwritable."""
    text = json.dumps(build_timeline(job), indent=4, ensure_ascii=False)
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text.encode("utf-8", "replace"))  # A path may hold bytes that are no text.
    except OSError as error:
        raise TimelineUnwritable(str(target), words(error)) from error


def build_timeline(job: JobMade) -> Object:
    """The job as the JSON of an OpenTimelineIO timeline."""
    return _Builder(job).timeline()


def strips_in_order(job: JobMade) -> list[Object]:
    """The job's strips and dissolves as a track's children, over exactly the clip's frames."""
    return list(_Builder(job).strips())


def track_name(job: JobMade) -> str:
    """The name of a track with a job's strips."""
    return f"{TRACK} (draft)" if job.facts.get("draft") else TRACK


def cut_of(fade: Crossfade) -> int:
    """The frame at which the right strip begins in OTIO's terms: the fade's middle.

    A fade of one frame shows only the left strip (its mix there is 0), so it is a cut at its end.
    """
    length = len(fade.frames)
    return fade.frames.end if length == 1 else fade.frames.first + length // 2


class _Builder:
    """One timeline being built."""

    def __init__(self, job: JobMade) -> None:
        self.job = job
        self.rate = job.clip.rate

    def timeline(self) -> Object:
        """Source below, strips above, the source's sound if it has any."""
        clip = self.job.clip
        tracks = [
            schema.track("Source", schema.VIDEO, self.source()),
            schema.track(track_name(self.job), schema.VIDEO, list(self.strips())),
        ]
        if self.job.facts.get("media", {}).get("audio"):
            tracks.append(schema.track("Sound", schema.AUDIO, self.source()))
        facts = {"job": self.job.job_id, "look": self.job.look}
        name = clip.name or Path(clip.paths[0]).stem
        return schema.timeline(name, self.time(clip.timeline_start), tracks, {"restrip": facts})

    def time(self, frames: int) -> Object:
        """A time in frames of the timeline's rate."""
        return schema.rational_time(frames, self.rate)

    def span(self, frames: FrameRange, rate: Rate | None = None) -> Object:
        """A range of frames of the timeline's rate, or of another."""
        return schema.time_range(frames.first, len(frames), rate or self.rate)

    def strips(self) -> Iterator[Object]:
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

    def dissolve(self, fade: Crossfade) -> Object:
        """A fade as a transition over its cut."""
        cut = cut_of(fade)
        before, after = self.time(cut - fade.frames.first), self.time(fade.frames.end - cut)
        return schema.dissolve("Cross Dissolve", before, after, {"restrip": {"score": fade.score}})

    def strip(self, strip: StripMade, plays: FrameRange) -> Object:
        """A strip as a clip, its file from the timecode that it begins with, with the keys in it as markers.

        Editors count a file's frames from its own start: a range that is told from 0 lies outside a file that has a
        timecode, and DaVinci Resolve then imports nothing.
        """
        origin = frame_number(strip.timecode, self.rate) or 0
        start = origin - strip.frames.first
        media = self.media(strip.file, self.span(FrameRange(origin, origin + len(strip.frames))))
        # In mode "every" a strip spans many keys; else its neighbours' keys lie inside it too, and aren't its own.
        alone = len(self.job.strips) == len(self.job.keys)
        markers = [
            self.marker(made, made.key.frame + start)
            for index, made in enumerate(self.job.keys)
            if made.key.frame in strip.frames and (index == strip.key or not alone)
        ]
        return schema.clip(media, self.span(plays.shifted(start)), markers=markers)

    def marker(self, made: KeyMade, frame: int) -> Object:
        """A key as a marker, with its prompt where Resolve shows it."""
        key = made.key
        facts = {
            name: getattr(key, name) for name in ("frame", "prompt", "seed", "image") if getattr(key, name) is not None
        }
        return schema.marker(
            key.name or f"Key {key.frame}",
            schema.CYAN,
            self.span(FrameRange(frame, frame + 1)),
            {
                "restrip": {**facts, "picture": made.picture},
                "Resolve_OTIO": {"Keywords": [], "Note": key.prompt or ""},
            },
        )

    def media(self, path: str, available: Object) -> Object:
        """A reference to a movie by its bare path, as Resolve wants it, or to a folder of numbered pictures."""
        if os.path.isdir(path):
            pictures = sorted(name for name in os.listdir(path) if not name.startswith("."))
            return self.pictures(runs_of([os.path.join(path, name) for name in pictures])[0], self.rate)
        return self.reference(path, available)

    def reference(self, path: str, available: Object) -> Object:
        """A reference to one file, named like it: Resolve looks for media by name too."""
        return schema.external_reference(os.path.basename(path), path, available)

    def pictures(self, run: PictureRun, rate: Rate) -> Object:
        """A reference to pictures with numbers in their names."""
        available = self.span(FrameRange(0, run.length), rate)
        if not run.digits:
            return self.reference(os.path.join(run.folder, run.prefix), available)
        first, last = (f"{number:0{run.digits}d}" for number in (run.start, run.end - run.step))
        return schema.image_sequence_reference(
            f"{run.prefix}[{first}-{last}]{run.suffix}",
            run.folder,
            available,
            name_prefix=run.prefix,
            name_suffix=run.suffix,
            start_frame=run.start,
            frame_step=run.step,
            rate=float(rate),
            frame_zero_padding=run.digits,
        )

    def source(self) -> list[Object]:
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
                items.append(self.source_item(self.pictures(run, played), Fraction(part.first - at), length))
            at += run.length
        return items

    def source_movie(self, played: Rate) -> tuple[Object, Fraction]:
        """The reference to the source's file, and the media frame (of the rate `played`) of the clip's first frame.

        Both by the file's timecode.
        """
        clip, facts = self.job.clip, self.job.facts.get("media", {})
        try:
            rate, length = Rate.parse(facts["rate"]), int(facts["frames"])
        except (KeyError, BadRate, ValueError):
            # Nothing is known of the file but the part that was used.
            whole = self.span(FrameRange(0, clip.trim_in + clip.length), played)
            return self.reference(clip.paths[0], whole), Fraction(clip.trim_in)
        begin = frame_number(facts.get("timecode") or "", rate) or 0
        media = self.reference(clip.paths[0], schema.time_range(begin, length, rate))
        return media, rate.seconds(begin) * played.fraction + clip.trim_in

    def source_item(self, media: Object, start: Fraction, length: int) -> Object:
        """A clip of the source from media frame `start` on; one that plays at another speed says so."""
        clip = self.job.clip
        played = clip.source_rate or clip.rate
        shown = {**schema.time_range(start, length, played), "duration": self.time(length)}
        effects = []
        if played != clip.rate:
            effects.append(schema.linear_time_warp(float(clip.rate.fraction / played.fraction)))
        return schema.clip(media, shown, metadata={"Resolve_OTIO": {"Link Group ID": 1}}, effects=effects)
