"""What Resolve holds: plain data behind the objects of the double."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from .world import MediaFile

PROPERTIES: dict[str, Any] = {
    "Pan": 0.0,
    "Tilt": 0.0,
    "ZoomX": 1.0,
    "ZoomY": 1.0,
    "ZoomGang": True,
    "RotationAngle": 0.0,
    "AnchorPointX": 0.0,
    "AnchorPointY": 0.0,
    "Pitch": 0.0,
    "Yaw": 0.0,
    "FlipX": False,
    "FlipY": False,
    "CropLeft": 0.0,
    "CropRight": 0.0,
    "CropTop": 0.0,
    "CropBottom": 0.0,
    "CropSoftness": 0.0,
    "CropRetain": False,
    "DynamicZoomEase": 0,
    "CompositeMode": 0,
    "Opacity": 100.0,
    "Distortion": 0.0,
    "RetimeProcess": 0,
    "MotionEstimation": 0,
    "Scaling": 0,
    "ResizeFilter": 0,
}


def fraction(rate: str) -> Fraction:
    """23.976 is 24000/1001."""
    number = float(rate.replace("DF", "").strip())
    whole = round(number * 1001 / 1000)
    return (
        Fraction(whole * 1000, 1001) if abs(number - whole * 1000 / 1001) < 0.002 and number % 1 else Fraction(number)
    )


@dataclass
class MediaState:
    """A clip in a bin: a file, or what stands for a timeline or a compound."""

    id: str
    name: str
    path: str = ""
    file: MediaFile | None = None
    timeline: TimelineState | None = None
    deleted: bool = False
    properties: dict[str, str] = field(default_factory=dict)
    third: dict[str, str] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        if self.timeline is not None:
            return max(
                (item.end - self.timeline.start for track in self.timeline.video for item in track.items), default=0
            )
        return self.file.frames if self.file else 0


@dataclass
class FolderState:
    """A bin."""

    id: str
    name: str
    folders: list[FolderState] = field(default_factory=list)
    clips: list[MediaState] = field(default_factory=list)
    deleted: bool = False

    def all(self) -> list[FolderState]:
        return [self, *(inner for folder in self.folders for inner in folder.all())]


@dataclass
class ItemState:
    """An item of a track; `left` is in frames of the timeline at the item's own speed."""

    id: str
    name: str
    start: int
    length: int
    left: int = 0
    media: MediaState | None = None
    kind: str = "clip"
    speed: float = 100.0
    enabled: bool = True
    colour: str = ""
    comps: dict[str, str] = field(default_factory=dict)
    markers: dict[float, dict[str, Any]] = field(default_factory=dict)
    properties: dict[str, Any] | None = field(default_factory=lambda: dict(PROPERTIES))
    tools: list[list[str]] = field(default_factory=lambda: [[]])
    group: tuple[list[list[str]], list[list[str]]] | None = None
    deleted: bool = False

    @property
    def end(self) -> int:
        return self.start + self.length


@dataclass
class TrackState:
    """A track."""

    name: str
    enabled: bool = True
    locked: bool = False
    items: list[ItemState] = field(default_factory=list)


@dataclass
class TimelineState:
    """A timeline; `start` is the absolute frame of its start timecode."""

    id: str
    name: str
    rate: str = "24"
    drop: bool = False
    start_tc: str = "01:00:00:00"
    start: int = 86400
    size: tuple[int, int] = (1920, 1080)
    video: list[TrackState] = field(default_factory=lambda: [TrackState("Video 1")])
    audio: list[TrackState] = field(default_factory=lambda: [TrackState("Audio 1")])
    markers: dict[float, dict[str, Any]] = field(default_factory=dict)
    marks: dict[str, dict[str, int]] = field(default_factory=dict)
    playhead: int = 86400
    selected: list[str] = field(default_factory=list)
    tools: list[list[str]] = field(default_factory=lambda: [[]])
    deleted: bool = False


@dataclass
class RenderState:
    """The Deliver page and its queue."""

    format: str = "mp4"
    codec: str = "H264"
    mode: int = 0
    settings: dict[str, Any] = field(
        default_factory=lambda: {
            "TargetDir": "/user/renders",
            "FormatWidth": 1280,
            "FormatHeight": 720,
            "FrameRate": 24.0,
            "ExportVideo": True,
            "ExportAudio": True,
        }
    )
    select_all: bool = True
    presets: dict[str, dict[str, Any]] = field(default_factory=lambda: {"YouTube 1080p": {}})
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: str = ""
    percent: int = 0
    fails: str = ""


@dataclass
class ProjectState:
    """The open project."""

    id: str
    name: str
    root: FolderState
    folder: FolderState
    timelines: list[TimelineState] = field(default_factory=list)
    current: TimelineState | None = None
    render: RenderState = field(default_factory=RenderState)
    colour_science: str = "davinciYRGB"


def snapshot(project: ProjectState, page: str) -> dict[str, Any]:
    """Everything that a script may not leave changed."""
    return {
        "page": page,
        "timeline": project.current.id if project.current else None,
        "folder": project.folder.id,
        "bins": [(f.id, f.name, [(c.id, c.name, c.path) for c in f.clips]) for f in project.root.all()],
        "timelines": {t.id: _timeline(t) for t in project.timelines},
        "render": {
            "format": (project.render.format, project.render.codec, project.render.mode),
            "settings": dict(project.render.settings),
            "everything": project.render.select_all,
            "presets": sorted(project.render.presets),
            "jobs": sorted(project.render.jobs),
            "running": project.render.running,
        },
    }


def _timeline(timeline: TimelineState) -> dict[str, Any]:
    return {
        "name": timeline.name,
        "tracks": [
            (t.name, t.enabled, t.locked, sorted((_item(i) for i in t.items), key=str))
            for t in (*timeline.video, *timeline.audio)
        ],
        "markers": {frame: dict(marker) for frame, marker in timeline.markers.items()},
        "marks": {kind: dict(marks) for kind, marks in timeline.marks.items()},
        "playhead": timeline.playhead,
    }


def _item(item: ItemState) -> tuple[Any, ...]:
    return (item.id, item.start, item.length, item.left, item.enabled, tuple(item.comps.items()), str(item.markers))
