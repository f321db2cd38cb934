"""The open project and timeline, and what this version of Resolve can do."""

from __future__ import annotations

from dataclasses import dataclass

from restrip.errors import BadInput
from restrip.timeline import Rate
from restrip_resolve.api import (
    MediaPool,
    Project,
    Resolve,
    Timeline,
    TimelineItem,
    can,
    listed,
    need,
    uid,
    whole,
)
from restrip_resolve.console import Console
from restrip_resolve.timecode import frame_of


class NoProject(BadInput):
    """No project is open."""

    code = "no-project"

    def __init__(self) -> None:
        super().__init__("No project is open in Resolve.", "Open a project and a timeline, then run the script again.")


class NoTimeline(BadInput):
    """The project has no current timeline."""

    code = "no-timeline"

    def __init__(self) -> None:
        super().__init__("No timeline is open.", "Open a timeline on the Edit page, then run the script again.")


@dataclass(frozen=True)
class Session:
    """What every script works on. Frames of `first` and of items count absolutely, with the start timecode."""

    resolve: Resolve
    project: Project
    pool: MediaPool
    timeline: Timeline
    rate: Rate
    drop: bool
    first: int
    console: Console
    project_name: str = ""

    @property
    def key(self) -> str:
        """The name under which the engine keeps this timeline's jobs."""
        return f"resolve:{uid(self.project)}:{uid(self.timeline)}"

    @property
    def title(self) -> str:
        """Product and version, for the engine's list of clients and for reports."""
        return f"{self.resolve.GetProductName() or 'DaVinci Resolve'} {self.resolve.GetVersionString() or ''}".strip()

    def video_tracks(self) -> int:
        """How many video tracks there are."""
        return whole(self.timeline.GetTrackCount("video"), "count the video tracks")

    def items(self, track: int) -> list[TimelineItem]:
        """The items of a video track, transitions among them, by start."""
        return listed(self.timeline.GetItemListInTrack("video", track), f"list video track {track}")

    def playhead(self) -> int:
        """The absolute frame under the playhead."""
        now = need(self.timeline.GetCurrentTimecode(), "tell where the playhead is")
        start = need(self.timeline.GetStartTimecode(), "tell the start timecode")
        return self.first + frame_of(now, self.rate, self.drop) - frame_of(start, self.rate, self.drop)


def open_session(resolve: Resolve, console: Console) -> Session:
    """Look at what is open. Raises NoProject, NoTimeline, ResolveRefused."""
    manager = need(resolve.GetProjectManager(), "give its project manager")
    project = manager.GetCurrentProject()
    if not project:
        raise NoProject
    timeline = project.GetCurrentTimeline()
    if not timeline:
        raise NoTimeline
    rate, drop = rate_of(need(timeline.GetSetting("timelineFrameRate"), "tell the timeline's frame rate"))
    drop = drop or str(timeline.GetSetting("timelineDropFrameTimecode")) == "1"
    return Session(
        resolve=resolve,
        project=project,
        pool=need(project.GetMediaPool(), "give its media pool"),
        timeline=timeline,
        rate=rate,
        drop=drop,
        first=whole(timeline.GetStartFrame(), "tell the timeline's first frame"),
        console=console,
        project_name=str(project.GetName() or "Untitled"),
    )


def rate_of(setting: object) -> tuple[Rate, bool]:
    """A rate as Resolve writes it ("23.976", "29.97 DF", 24.0) and whether timecode drops. Raises BadRate."""
    text = str(setting).strip()
    drop = text.upper().endswith("DF")
    return Rate.parse(text[:-2] if drop else text), drop


def can_dissolve(item: TimelineItem) -> bool:
    """Whether this Resolve places transitions by script (Studio from 21.1 on)."""
    return can(item, "AddTransition")
