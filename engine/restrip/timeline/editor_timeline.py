"""An editor's own timeline, exported as OpenTimelineIO: its marked clips, and the same timeline with results in it.

    before   V2  [ title      ]              after   V3  [ title      ]
             V1  [ clip A ][ clip B* ]               V2      gap     [ strips of B, with their dissolves ]
                                                     V1  [ clip A ][ clip B* ]

Everything that isn't understood stays as it is. Standard library alone: the format is JSON.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any
from urllib.parse import unquote, urlparse

from restrip.errors import BadInput
from restrip.storage.texts import read_json, words
from restrip.timeline import otio_schema as schema
from restrip.timeline.clip import ClipRange
from restrip.timeline.finished_job import JobMade
from restrip.timeline.key import Key
from restrip.timeline.marker_text import read_noted
from restrip.timeline.otio import TRACK, strips_in_order, track_name
from restrip.timeline.range import FrameRange
from restrip.timeline.rate import BadRate, Rate


class CutUnreadable(BadInput):
    """A file that is no timeline, or one of another kind than can be read."""

    code = "cut-unreadable"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(
            f"{path} can't be read as a timeline: {why}.",
            "Export it from the editor as OpenTimelineIO: in DaVinci Resolve File > Export > Timeline, type .otio.",
            path=path,
        )


class NothingMarked(BadInput):
    """No clip of the timeline has a marker that makes a key, or all that have were `passed_over`."""

    code = "nothing-marked"

    def __init__(self, colour: str, passed_over: Sequence[str] = ()) -> None:
        super().__init__(
            " ".join(passed_over)
            or f"No clip has a marker on it, and no {colour.lower()} marker of the timeline lies over one.",
            "Mark other clips, or render these to files first; then export the timeline again, and run this again."
            if passed_over
            else "Set markers where you want keyframes, export the timeline again, and run this again.",
        )


@dataclass(frozen=True)
class MarkedClip:
    """A clip to restyle: the index of its track among all of the file's, its source, and its keys."""

    track: int
    clip: ClipRange
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class _Placed:
    """An item of a track and the frames of the timeline, counted from its start, that it covers."""

    item: Mapping[str, Any]
    frames: FrameRange


class Cut:
    """A timeline as it was exported."""

    def __init__(self, body: dict[str, Any], path: str) -> None:
        with _understood(path):
            if not str(body["OTIO_SCHEMA"]).startswith("Timeline."):
                raise CutUnreadable(path, "it holds no timeline")
            self.tracks: list[dict[str, Any]] = body["tracks"]["children"]
            rate = self._rate(body)
            if rate is None:
                raise CutUnreadable(path, "it tells no frame rate")
            self.rate = rate
            start = body.get("global_start_time") or {}
            self.start = round(_seconds(start) * self.rate.fraction) if start else 0
        self.body, self.path = body, path
        self.notes: list[str] = []

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Cut:
        """Read an .otio file. Raises CutUnreadable."""
        try:
            body = read_json(path)
        except (OSError, ValueError) as error:
            raise CutUnreadable(os.fspath(path), words(error)) from error
        if not isinstance(body, dict):
            raise CutUnreadable(os.fspath(path), "it holds no timeline")
        return cls(body, os.fspath(path))

    def marked(self, colour: str) -> list[MarkedClip]:
        """The clips with keys: markers on a clip itself, and the timeline's of `colour` that lie over it.

        A timeline's marker belongs to the lowest clip under it. What was passed over is told in `notes`.
        Raises NothingMarked, CutUnreadable.
        """
        with _understood(self.path):
            found = self._marked(colour)
        if not found:
            raise NothingMarked(colour, self.notes)
        return found

    def _marked(self, colour: str) -> list[MarkedClip]:
        over = list(self._own_markers(colour))
        found = []
        for index, track in enumerate(self.tracks):
            if track.get("kind") != "Video" or str(track.get("name", "")).startswith(TRACK):
                continue
            for placed in self._placed(track):
                taken = [(frame, text) for frame, text in over if frame in placed.frames]
                clip = self._marked_clip(index, placed, taken)
                if clip is not None:
                    found.append(clip)
                    over = [marker for marker in over if marker not in taken]
        return found

    def with_results(self, results: Sequence[tuple[MarkedClip, JobMade]]) -> str:
        """The timeline's text with each clip's strips on a track right above its own."""
        body = copy.deepcopy(self.body)
        tracks = body["tracks"]["children"]
        for index in sorted({clip.track for clip, _ in results}, reverse=True):
            mine = sorted(
                ((clip, job) for clip, job in results if clip.track == index),
                key=lambda pair: pair[0].clip.timeline_start,
            )
            above = index + 1
            while above < len(tracks) and str(tracks[above].get("name", "")).startswith(TRACK):
                above += 1  # Earlier results lie there: the new ones are to be seen.
            name = track_name(mine[0][1])
            tracks.insert(above, schema.track(name, schema.VIDEO, list(self._children(mine))))
        return json.dumps(body, indent=4, ensure_ascii=False)

    def _children(self, results: Sequence[tuple[MarkedClip, JobMade]]) -> Iterator[dict[str, Any]]:
        at = self.start
        for marked, job in results:
            gap = marked.clip.timeline_start - at
            if gap > 0:
                yield schema.gap(schema.time_range(0, gap, self.rate))
            yield from strips_in_order(job)
            at = marked.clip.timeline_start + marked.clip.length

    def _rate(self, body: Mapping[str, Any]) -> Rate | None:
        start = body.get("global_start_time")
        if start:
            return Rate.parse(repr(float(start["rate"])))
        for track in self.tracks:
            for child in track.get("children", ()):
                if child.get("source_range"):
                    return Rate.parse(repr(float(child["source_range"]["duration"]["rate"])))
        return None

    def _placed(self, track: Mapping[str, Any]) -> Iterator[_Placed]:
        """The items of a track; transitions take no room of their own."""
        at = Fraction(0)
        for child in track.get("children", ()):
            if str(child.get("OTIO_SCHEMA", "")).startswith("Transition."):
                continue
            length = _seconds((_range_of(child) or {}).get("duration"))
            first, at = at, at + length
            fraction = self.rate.fraction
            yield _Placed(child, FrameRange(round(first * fraction), round(at * fraction)))

    def _own_markers(self, colour: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        for marker in self.body["tracks"].get("markers", ()):
            if str(marker.get("color", "")).upper() == colour.upper():
                frame = round(_seconds((marker.get("marked_range") or {}).get("start_time")) * self.rate.fraction)
                # Counted from the timeline's start or with its start timecode: exporters differ.
                yield (frame - self.start if frame >= self.start else frame), marker

    def _marked_clip(
        self, track: int, placed: _Placed, over: Sequence[tuple[int, Mapping[str, Any]]]
    ) -> MarkedClip | None:
        item = placed.item
        if not str(item.get("OTIO_SCHEMA", "")).startswith("Clip.") or not len(placed.frames):
            return None
        shown = _range_of(item) or {}
        begin = _seconds(shown.get("start_time"))
        keys = [_key(frame - placed.frames.first, marker) for frame, marker in over]
        for marker in item.get("markers", ()):
            at = _seconds((marker.get("marked_range") or {}).get("start_time"))
            keys.append(_key(round((at - begin) * self.rate.fraction), marker))
        keys = sorted((key for key in keys if 0 <= key.frame < len(placed.frames)), key=lambda key: key.frame)
        if not keys:
            return None
        name = str(item.get("name") or "clip")
        media = _media_of(item)
        path = _path(media, os.path.dirname(self.path))
        if path is None or item.get("effects"):
            why = "it has effects or another speed" if path else "it has no file of its own"
            self.notes.append(f"{name} at frame {self.start + placed.frames.first} was passed over: {why}.")
            return None
        origin = _seconds((media.get("available_range") or {}).get("start_time"))
        clip = ClipRange(
            (path,),
            self.rate,
            len(placed.frames),
            trim_in=round((begin - origin) * self.rate.fraction),
            timeline_start=self.start + placed.frames.first,
            name=name,
        )
        return MarkedClip(track, clip, tuple(keys))


def _key(frame: int, marker: Mapping[str, Any]) -> Key:
    name = str(marker.get("name") or "")
    resolve = (marker.get("metadata") or {}).get("Resolve_OTIO") or {}
    said = read_noted(name, str(resolve.get("Note") or marker.get("comment") or ""))
    return Key(frame, prompt=said.prompt, seed=said.seed, image=said.image, name=name)


def _range_of(item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What of an item plays: its own range, else all that its media has."""
    return item.get("source_range") or _media_of(item).get("available_range")


def _media_of(item: Mapping[str, Any]) -> Mapping[str, Any]:
    references = item.get("media_references") or {}
    return references.get(item.get("active_media_reference_key")) or item.get("media_reference") or {}


def _path(media: Mapping[str, Any], folder: str) -> str | None:
    """The file of a media reference; a path that isn't whole begins at the timeline's `folder`.

    None for what has none, is more than one file, or lies on a server.
    """
    url = media.get("target_url")
    if not isinstance(url, str) or not url:
        return None
    parsed = urlparse(url)
    if parsed.scheme == "file":
        path = unquote(parsed.path)
        # file:///C:/films/a.mov
        return path[1:] if len(path) > 2 and path[0] == "/" and path[2] == ":" else path
    if "://" in url:
        return None
    return url if _is_whole(url) else os.path.join(folder, url)


def _is_whole(path: str) -> bool:
    """Whether a path begins at the root of a disk, of this system's or of another one's."""
    return os.path.isabs(path) or path.startswith(("/", "\\\\")) or path[1:2] == ":"


@contextmanager
def _understood(path: str) -> Iterator[None]:
    """What is no such object, number or time as the format has becomes CutUnreadable."""
    try:
        yield
    except BadRate as error:
        raise CutUnreadable(path, error.message.rstrip(".")) from error
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise CutUnreadable(path, f"what it holds is not as the format has it: {error}") from error


def _seconds(time: Mapping[str, Any] | None) -> Fraction:
    """A RationalTime in seconds, by the exact rate that its decimal stands for."""
    if not time:
        return Fraction(0)
    rate = Rate.parse(repr(float(time["rate"]))).fraction
    return Fraction(time["value"]).limit_denominator(10**6) / rate
