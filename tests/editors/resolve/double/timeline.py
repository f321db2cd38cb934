"""Timeline and its items."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import comp as comps
from .state import ItemState, ProjectState, TimelineState, TrackState
from .world import Scriptable, World

COLOURS = {"Blue", "Cyan", "Green", "Yellow", "Red", "Pink", "Purple", "Fuchsia", "Rose", "Lavender", "Sky", "Mint"}
COLOURS |= {"Lemon", "Sand", "Cocoa", "Cream"}
CLIP_COLOURS = {"Orange", "Apricot", "Yellow", "Lime", "Olive", "Green", "Teal", "Navy", "Blue", "Purple", "Violet"}
CLIP_COLOURS |= {"Pink", "Tan", "Beige", "Brown", "Chocolate"}


class Timeline(Scriptable):
    """A timeline."""

    def __init__(self, world: World, project: ProjectState, state: TimelineState) -> None:
        super().__init__(world)
        self._project = project
        self._state = state

    def gone(self) -> bool:
        return self._state.deleted

    def _track(self, trackType: str, index: int) -> TrackState | None:
        if trackType not in ("video", "audio", "subtitle"):
            self._world.complain(f"track type {trackType!r}")
            return None
        tracks = {"video": self._state.video, "audio": self._state.audio}.get(trackType, [])
        if not isinstance(index, int) or isinstance(index, bool):
            self._world.complain(f"track index {index!r}")
            return None
        return tracks[index - 1] if 1 <= index <= len(tracks) else None

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetStartFrame(self) -> int:
        return self._state.start

    def GetEndFrame(self) -> int:
        return max((item.end for track in self._state.video for item in track.items), default=self._state.start)

    def GetStartTimecode(self) -> str:
        return self._state.start_tc

    def GetSetting(self, settingName: str) -> Any:
        rate = f"{self._state.rate}{' DF' if self._state.drop else ''}"
        values = {
            "timelineFrameRate": float(self._state.rate) if self._world.profile.version >= (21, 1, 0) else rate,
            "timelineDropFrameTimecode": "1" if self._state.drop else "0",
            "timelineResolutionWidth": str(self._state.size[0]),
            "timelineResolutionHeight": str(self._state.size[1]),
        }
        if settingName not in values:
            self._world.complain(f"timeline setting {settingName!r}")
        return values.get(settingName)

    def SetSetting(self, settingName: str, settingValue: str) -> bool:
        if settingName != "timelineDropFrameTimecode" or settingValue not in ("0", "1"):
            self._world.complain(f"timeline setting {settingName!r} = {settingValue!r}")
            return False
        self._state.drop = settingValue == "1"
        return True

    def GetTrackCount(self, trackType: str) -> int:
        return {"video": len(self._state.video), "audio": len(self._state.audio)}.get(trackType, 0)

    def AddTrack(self, trackType: str, newTrackOptions: Any = None) -> bool:
        if trackType != "video":
            self._world.complain(f"a new track of type {trackType!r}")
            return False
        at = len(self._state.video)
        if newTrackOptions is not None:
            if not isinstance(newTrackOptions, dict) or set(newTrackOptions) - {"audiotype", "index"}:
                self._world.complain(f"track options {newTrackOptions!r}")
                return False
            if self._world.profile.version >= (19, 0, 0) and 1 <= newTrackOptions.get("index", 0) <= at:
                at = newTrackOptions["index"] - 1
        self._state.video.insert(at, TrackState(f"Video {at + 1}"))
        return True

    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None or len(self._state.video) == 1 or trackType != "video":
            return False
        for item in track.items:
            item.deleted = True
        self._state.video.remove(track)
        return True

    def GetTrackName(self, trackType: str, trackIndex: int) -> str | None:
        track = self._track(trackType, trackIndex)
        return track.name if track else None

    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None:
            return False
        track.name = name
        return True

    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool | None:
        track = self._track(trackType, trackIndex)
        return track.enabled if track else None

    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None or not isinstance(Bool, bool):
            return False
        track.enabled = Bool
        return True

    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool | None:
        track = self._track(trackType, trackIndex)
        return track.locked if track else None

    def SetTrackLock(self, trackType: str, trackIndex: int, Bool: bool) -> bool:
        track = self._track(trackType, trackIndex)
        if track is None or not isinstance(Bool, bool):
            return False
        track.locked = Bool
        return True

    def GetItemListInTrack(self, trackType: str, index: int) -> list[TimelineItem] | None:
        track = self._track(trackType, index)
        if track is None:
            return None
        items = sorted(track.items, key=lambda item: (item.start, item.end))
        return [TimelineItem(self._world, self._project, self._state, item) for item in items]

    def DeleteClips(self, timelineItems: Sequence[TimelineItem], Bool: bool = False) -> bool:
        if Bool:
            self._world.complain("a ripple delete")
            return False
        if not isinstance(timelineItems, list) or not timelineItems:
            self._world.complain(f"clips to delete: {timelineItems!r}")
            return False
        closed = self._project.current is not self._state and not self._world.profile.deletes_closed
        if self._world.page in ("fairlight", "deliver", "fusion") or closed:
            return False
        for facade in timelineItems:
            item = facade._state
            for track in self._state.video:
                if item in track.items:
                    if track.locked:
                        return False
                    track.items = [other for other in track.items if other is not item and not _on(other, item)]
                    item.deleted = True
        return True

    def AddMarker(
        self, frameId: float, color: str, name: str, note: str, duration: float, customData: str = ""
    ) -> bool:
        if color not in COLOURS or not isinstance(name, str) or not isinstance(note, str):
            self._world.complain(f"a marker of {color!r}")
            return False
        if frameId in self._state.markers or frameId < 0:
            return False
        marker = {"color": color, "duration": duration, "note": note, "name": name, "customData": customData}
        self._state.markers[float(frameId)] = marker
        return True

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self._state.markers.items()}

    def DeleteMarkerAtFrame(self, frameNum: float) -> bool:
        return self._state.markers.pop(float(frameNum), None) is not None

    def GetCurrentTimecode(self) -> str:
        return timecode(self._state, self._state.playhead)

    def SetCurrentTimecode(self, timecode: str) -> bool:
        number = _number(self._state, timecode)
        self._state.playhead = number - _number(self._state, self._state.start_tc) + self._state.start
        return True

    def GetCurrentVideoItem(self) -> TimelineItem | None:
        for track in reversed(self._state.video):
            for item in track.items:
                if track.enabled and item.start <= self._state.playhead < item.end and item.kind != "transition":
                    return TimelineItem(self._world, self._project, self._state, item)
        return None

    def GetSelectedClips(self) -> list[TimelineItem]:
        return [
            TimelineItem(self._world, self._project, self._state, item)
            for track in (*self._state.video, *self._state.audio)
            for item in track.items
            if item.id in self._state.selected
        ]

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {kind: dict(marks) for kind, marks in self._state.marks.items()}

    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._state.marks[kind] = {"in": mark_in, "out": mark_out}
        return True

    def ClearMarkInOut(self, type: str = "all") -> bool:
        for kind in ("video", "audio") if type == "all" else (type,):
            self._state.marks.pop(kind, None)
        return True

    def GetNodeGraph(self) -> Graph:
        return Graph(self._world, self._state.tools)

    def GetMediaPoolItem(self) -> Any:
        from .pool import MediaPoolItem

        for folder in self._project.root.all():
            for media in folder.clips:
                if media.timeline is self._state:
                    return MediaPoolItem(self._world, media)
        return None


class TimelineItem(Scriptable):
    """An item of a track."""

    def __init__(self, world: World, project: ProjectState, timeline: TimelineState, state: ItemState) -> None:
        super().__init__(world)
        self._project = project
        self._timeline = timeline
        self._state = state

    def gone(self) -> bool:
        return self._state.deleted

    def lie(self, name: str) -> Any:
        if name in ("AddFusionComp", "ImportFusionComp"):
            return FusionComp(self._world)
        if name == "AddTransition":
            return TimelineItem(self._world, self._project, self._timeline, ItemState("", "Cross Dissolve", 0, 1))
        return super().lie(name)

    def _factor(self) -> Any:
        """Frames of the timeline a frame of the media, at this item's speed."""
        from .state import fraction

        assert self._state.media is not None
        fps = self._state.media.properties.get("FPS", self._timeline.rate)
        return fraction(self._timeline.rate) / fraction(fps) * 100 / _exact(self._state.speed)

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetStart(self, subframe_precision: bool = False) -> int:
        return self._state.start

    def GetDuration(self, subframe_precision: bool = False) -> int:
        return self._state.length

    def GetLeftOffset(self, subframe_precision: bool = False) -> int:
        return self._state.left

    def GetRightOffset(self, subframe_precision: bool = False) -> int:
        if self._state.media is None:
            return 0
        return int(self._state.media.frames * self._factor()) - self._state.left - self._state.length

    def GetSourceStartFrame(self) -> int:
        return int(self._state.left / self._factor()) if self._state.media else 0

    def GetSourceEndFrame(self) -> int:
        if self._state.media is None:
            return 0
        end = int((self._state.left + self._state.length) / self._factor())
        # Exclusive when clip and timeline have one rate, inclusive when not.
        return end if self._state.media.properties.get("FPS", self._timeline.rate) == self._timeline.rate else end - 1

    def GetMediaPoolItem(self) -> Any:
        from .pool import MediaPoolItem

        return MediaPoolItem(self._world, self._state.media) if self._state.media else None

    def GetMarkers(self) -> dict[float, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self._state.markers.items()}

    def GetProperty(self, propertyKey: str | None = None) -> Any:
        if propertyKey is not None:
            return (self._state.properties or {}).get(propertyKey)
        return None if self._state.properties is None else dict(self._state.properties)

    def GetClipEnabled(self) -> bool:
        return self._state.enabled

    def SetClipEnabled(self, Bool: bool) -> bool:
        if not isinstance(Bool, bool):
            return False
        self._state.enabled = Bool
        return True

    def SetClipColor(self, colorName: str) -> bool:
        if colorName not in CLIP_COLOURS:
            self._world.complain(f"a clip colour {colorName!r}")
            return False
        self._state.colour = colorName
        return True

    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool:
        known = self._state.properties
        if known is None or propertyKey not in known or type(known[propertyKey]) is not type(propertyValue):
            self._world.complain(f"property {propertyKey!r} = {propertyValue!r}")
            return False
        known[propertyKey] = propertyValue
        return True

    def GetTrackTypeAndIndex(self) -> list[Any] | None:
        for kind, tracks in (("video", self._timeline.video), ("audio", self._timeline.audio)):
            for index, track in enumerate(tracks, 1):
                if self._state in track.items:
                    return [kind, index]
        return None

    def GetSpeed(self) -> dict[str, Any]:
        return {"Percentage": self._state.speed, "PitchCorrection": False}

    def GetNodeGraph(self, layerIdx: int | None = None) -> Graph | None:
        return Graph(self._world, self._state.tools) if self._state.media else None

    def GetColorGroup(self) -> ColorGroup | None:
        return ColorGroup(self._world, *self._state.group) if self._state.group else None

    def GetFusionCompCount(self) -> int:
        return len(self._state.comps)

    def GetFusionCompNameList(self) -> list[str]:
        return list(self._state.comps)

    def AddFusionComp(self) -> FusionComp:
        frames = self._state.media.frames if self._state.media else self._state.length
        first = -self._state.left
        text = comps.EMPTY % {"first": first, "last": first + frames - 1, "frames": frames}
        self._state.comps[self._free_name()] = text
        return FusionComp(self._world)

    def ImportFusionComp(self, path: str) -> FusionComp | None:
        if not Path(path).is_absolute() or not Path(path).is_file():
            self._world.complain(f"a composition at {path}")
            return None
        try:
            comp = comps.Parser(Path(path).read_text("utf-8")).parse()
            comps.check(comp)
        except comps.Malformed as error:
            self._world.complain(f"a composition that can't be read: {error}")
            return None
        self._state.comps[self._free_name()] = comps.write(comp)
        return FusionComp(self._world)

    def ExportFusionComp(self, path: str, compIndex: int) -> bool:
        if not Path(path).is_absolute() or not 1 <= compIndex <= len(self._state.comps):
            return False
        Path(path).write_text(list(self._state.comps.values())[compIndex - 1], "utf-8")
        return True

    def DeleteFusionCompByName(self, compName: str) -> bool:
        return self._state.comps.pop(compName, None) is not None

    def _free_name(self) -> str:
        number = 1
        while f"Composition {number}" in self._state.comps:
            number += 1
        return f"Composition {number}"

    def AddTransition(self, transitionOptions: dict[str, Any]) -> TimelineItem | None:
        options = transitionOptions
        wanted = {"type", "category", "position", "alignment", "duration"}
        if not isinstance(options, dict) or set(options) != wanted or type(options["duration"]) is not int:
            self._world.complain(f"a transition of {options!r}")
            return None
        fixed = {"type": "Cross Dissolve", "category": "simple", "position": "end", "alignment": "center"}
        if any(options[name] != value for name, value in fixed.items()):
            return None
        track = next(track for track in self._timeline.video if self._state in track.items)
        cut = self._state.end
        right = next((i for i in track.items if i.start == cut and i.kind == "clip"), None)
        before = (options["duration"] + (1 if self._world.profile.odd_rounds_up else 0)) // 2
        after = options["duration"] - before
        if right is None or self.GetRightOffset() < after or right.left < before:
            return None
        made = ItemState(
            self._world.new_id("item"),
            "Cross Dissolve",
            cut - before,
            options["duration"],
            kind="transition",
            properties={},
        )
        track.items.append(made)
        return TimelineItem(self._world, self._project, self._timeline, made)


class Graph(Scriptable):
    """The colour nodes of an item."""

    def __init__(self, world: World, tools: list[list[str]]) -> None:
        super().__init__(world)
        self._tools = tools

    def GetNumNodes(self) -> int:
        return len(self._tools)

    def GetToolsInNode(self, nodeIndex: int) -> list[str] | None:
        return list(self._tools[nodeIndex - 1]) if 1 <= nodeIndex <= len(self._tools) else None

    def GetLUT(self, nodeIndex: int) -> str:
        return ""


class ColorGroup(Scriptable):
    """Clips that are graded together."""

    def __init__(self, world: World, before: list[list[str]], after: list[list[str]]) -> None:
        super().__init__(world)
        self._before, self._after = before, after

    def GetPreClipNodeGraph(self) -> Graph:
        return Graph(self._world, self._before)

    def GetPostClipNodeGraph(self) -> Graph:
        return Graph(self._world, self._after)


class FusionComp(Scriptable):
    """A composition's handle."""


def _on(other: ItemState, item: ItemState) -> bool:
    """Whether a transition hangs on an item."""
    return other.kind == "transition" and (other.start < item.start < other.end or other.start < item.end < other.end)


def _exact(speed: float) -> Any:
    from fractions import Fraction

    return Fraction(speed).limit_denominator(1000)


def _number(timeline: TimelineState, text: str) -> int:
    return frame_count(text, timeline.rate, timeline.drop)


def frame_count(text: str, rate: str, drop: bool) -> int:
    """The frames of a rate from 00:00:00:00 to a timecode: 215784 for an hour of 59.94 drop-frame (SMPTE ST 12-1)."""
    hours, minutes, seconds, frames = (int(part) for part in text.replace(";", ":").split(":"))
    total, base = hours * 60 + minutes, round(float(rate))
    number = (total * 60 + seconds) * base + frames
    return number - base // 15 * (total - total // 10) if drop else number


def timecode(timeline: TimelineState, frame: int) -> str:
    """An absolute frame of a timeline as its timecode."""
    number = frame - timeline.start + _number(timeline, timeline.start_tc)
    base = round(float(timeline.rate))
    if timeline.drop:
        left_out = base // 15
        tens, rest = divmod(number, 600 * base - 9 * left_out)
        number += left_out * (9 * tens + max(0, (rest - left_out) // (60 * base - left_out)))
    seconds, frames = divmod(number, base)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{';' if timeline.drop else ':'}{frames:02d}"


def from_otio(world: World, project: ProjectState, path: str, name: str, source: TimelineState) -> TimelineState | None:
    """A timeline out of an OTIO file of the shape that Resolve writes; None for any other."""
    body = json.loads(Path(path).read_text("utf-8"))
    if body.get("OTIO_SCHEMA") != "Timeline.1" or body["tracks"]["OTIO_SCHEMA"] != "Stack.1":
        return None
    made = TimelineState(world.new_id("timeline"), name, source.rate, size=source.size)
    made.video, at, gap = [], made.start, None
    for track in body["tracks"]["children"]:
        made.video.append(TrackState(track["name"]))
        for child in track["children"]:
            if child["OTIO_SCHEMA"] == "Transition.1":
                gap = (child["in_offset"]["value"], child["out_offset"]["value"])
                start = at - int(gap[0])
                length = int(sum(gap))
                made.video[-1].items.append(
                    ItemState(world.new_id("item"), child["name"], start, length, kind="transition", properties={})
                )
                continue
            item = _otio_clip(world, project, child, at)
            if item is None:
                return None
            made.video[-1].items.append(item)
            at = item.end
    return made


def _otio_clip(world: World, project: ProjectState, clip: dict[str, Any], at: int) -> ItemState | None:
    if clip["OTIO_SCHEMA"] != "Clip.2":
        return None
    reference = clip["media_references"][clip["active_media_reference_key"]]
    media = next((m for f in project.root.all() for m in f.clips if m.path == reference["target_url"]), None)
    if media is None or media.file is None:
        return None
    available, used = reference["available_range"], clip["source_range"]
    origin = frame_count(media.file.start_tc, media.file.fps, ";" in media.file.start_tc)
    first, length = int(used["start_time"]["value"]), int(used["duration"]["value"])
    if int(available["start_time"]["value"]) != origin or first < origin or first + length > origin + media.frames:
        return None
    return ItemState(world.new_id("item"), clip["name"], at, length, first - origin, media)
