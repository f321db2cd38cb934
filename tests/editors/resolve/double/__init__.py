"""A strict double of DaVinci Resolve's scripting API, written from the official stubs.

No leniency: unknown methods, keys and kinds are recorded as misuse, a call that can't work answers None or False and
never raises, and every object is a new one at each call. `Double` builds a project for a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .app import Resolve
from .profile import PROFILES, Profile
from .state import FolderState, ItemState, MediaState, ProjectState, TimelineState, TrackState, snapshot
from .world import MODES, Failure, Injected, MediaFile, World

__all__ = [
    "MODES",
    "PROFILES",
    "Double",
    "Failure",
    "Injected",
    "ItemState",
    "MediaFile",
    "MediaState",
    "Profile",
    "ProjectState",
    "TimelineState",
    "TrackState",
    "World",
]


@dataclass
class Double:
    """A running Resolve with one project, one timeline, and a bin "Footage" that is open."""

    world: World
    project: ProjectState
    timeline: TimelineState

    @classmethod
    def of(cls, profile: str | Profile, **timeline: Any) -> Double:
        chosen = PROFILES[profile] if isinstance(profile, str) else profile
        footage = FolderState("bin-footage", "Footage")
        root = FolderState("bin-root", "Master", folders=[footage])
        state = TimelineState("timeline-user", "Edit 1", **timeline)
        if "start" in timeline and "playhead" not in timeline:
            state.playhead = state.start
        project = ProjectState("project-1", "Film", root, footage, [state], state)
        footage.clips.append(MediaState("media-timeline", "Edit 1", timeline=state))
        return cls(World(chosen), project, state)

    @property
    def resolve(self) -> Resolve:
        return Resolve(self.world, self.project)

    def media(self, path: str, frames: int, **file: Any) -> MediaState:
        """A clip in the bin "Footage", and its file."""
        made = MediaFile(frames, **{"fps": self.timeline.rate, **file})
        self.world.disk[path] = made
        media = MediaState(self.world.new_id("media"), path.rpartition("/")[2], path, made)
        media.properties = {"File Path": path, "FPS": made.fps, "Frames": str(frames), "Start TC": made.start_tc}
        self.project.root.folders[0].clips.append(media)
        return media

    def item(self, media: MediaState | None, start: int, length: int, *, track: int = 1, **facts: Any) -> ItemState:
        """An item on a video track (made when missing); `start` counts from the timeline's start."""
        while len(self.timeline.video) < track:
            self.timeline.video.append(TrackState(f"Video {len(self.timeline.video) + 1}"))
        name = facts.pop("name", media.name if media else "Solid Color")
        item = ItemState(self.world.new_id("item"), name, self.timeline.start + start, length, media=media, **facts)
        self.timeline.video[track - 1].items.append(item)
        return item

    def snapshot(self) -> dict[str, Any]:
        return snapshot(self.project, self.world.page)
