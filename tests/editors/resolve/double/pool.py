"""The media pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .state import FolderState, ItemState, MediaState, ProjectState, TimelineState, fraction
from .timeline import Timeline, TimelineItem, from_otio
from .world import Scriptable, World


class MediaPool(Scriptable):
    """The project's media."""

    def __init__(self, world: World, project: ProjectState) -> None:
        super().__init__(world)
        self._project = project

    def lie(self, name: str) -> Any:
        if name == "AddSubFolder":
            return Folder(self._world, FolderState("folder-lie", "lie"))
        if name == "ImportMedia":
            return [MediaPoolItem(self._world, MediaState("media-lie", "lie"))]
        if name == "AppendToTimeline":
            return [self._ghost()]
        if name in ("CreateEmptyTimeline", "ImportTimelineFromFile"):
            return Timeline(self._world, self._project, TimelineState("timeline-lie", "lie"))
        return super().lie(name)

    def _ghost(self) -> TimelineItem:
        """An item that is returned although it lies nowhere."""
        assert self._project.current is not None
        return TimelineItem(self._world, self._project, self._project.current, ItemState("", "ghost", 0, 1))

    def GetRootFolder(self) -> Folder:
        return Folder(self._world, self._project.root)

    def GetCurrentFolder(self) -> Folder:
        return Folder(self._world, self._project.folder)

    def SetCurrentFolder(self, folder: Folder) -> bool:
        if folder._state not in self._project.root.all():
            return False
        self._project.folder = folder._state
        return True

    def AddSubFolder(self, folder: Folder, name: str) -> Folder | None:
        if folder._state not in self._project.root.all() or any(f.name == name for f in folder._state.folders):
            return None
        made = FolderState(self._world.new_id("folder"), name)
        folder._state.folders.append(made)
        self._project.folder = made  # A new bin is opened.
        return Folder(self._world, made)

    def DeleteFolders(self, subfolders: Sequence[Folder]) -> bool:
        for facade in subfolders:
            parent = next((f for f in self._project.root.all() if facade._state in f.folders), None)
            if parent is None:
                return False
            for inner in facade._state.all():
                inner.deleted = True
                self._forget(inner.clips)
            parent.folders.remove(facade._state)
            if self._project.folder.deleted:
                self._project.folder = self._project.root
        return True

    def DeleteClips(self, clips: Sequence[MediaPoolItem]) -> bool:
        if not isinstance(clips, list) or not clips:
            self._world.complain(f"clips to delete: {clips!r}")
            return False
        for facade in clips:
            for folder in self._project.root.all():
                if facade._state in folder.clips:
                    self._forget([facade._state])
                    folder.clips.remove(facade._state)
        return True

    def _forget(self, clips: Sequence[MediaState]) -> None:
        for media in clips:
            media.deleted = True
            for timeline in self._project.timelines:
                if any(item.media is media for track in timeline.video for item in track.items):
                    self._world.complain(f"{media.name} is deleted while it lies on a timeline")

    def ImportMedia(self, items: Sequence[str]) -> list[MediaPoolItem] | None:
        if not isinstance(items, list) or not all(isinstance(path, str) for path in items):
            self._world.complain(f"media to import: {items!r}")
            return None
        found = []
        for path in items:
            file = self._world.disk.get(path)
            if file is None:
                continue
            media = next((m for m in self._project.folder.clips if m.path == path), None)
            if media is None:
                media = MediaState(self._world.new_id("media"), path.rpartition("/")[2], path, file)
                media.properties = {
                    "File Path": path,
                    "FPS": file.fps,
                    "Frames": str(file.frames),
                    "Start TC": file.start_tc,
                }
                self._project.folder.clips.append(media)
            found.append(MediaPoolItem(self._world, media))
        return found

    def AppendToTimeline(self, clipInfo: Sequence[dict[str, Any]]) -> list[TimelineItem] | None:
        if self._project.current is None or not isinstance(clipInfo, list):
            return None
        if self._world.calls.count(("MediaPool", "AppendToTimeline")) == self._world.profile.empty_append:
            return []
        return [item for info in clipInfo for item in self._append(self._project.current, info)]

    def _append(self, timeline: TimelineState, info: dict[str, Any]) -> list[TimelineItem]:
        if not self._understood(info):
            return []
        media: MediaState = info["mediaPoolItem"]._state
        if media.deleted or not any(media in folder.clips for folder in self._project.root.all()):
            return []
        index = info["trackIndex"]
        track = timeline.video[index - 1 if 1 <= index <= len(timeline.video) else 0]
        count = info["endFrame"] - info["startFrame"] + (1 if self._world.profile.end_inclusive else 0)
        fps = media.properties.get("FPS", timeline.rate)
        factor = fraction(timeline.rate) / fraction(fps)
        start, length = info["recordFrame"], int(count * factor)
        if info["startFrame"] < 0 or info["startFrame"] + count > media.frames or length < 1:
            return []
        if track.locked:
            return [self._ghost()]
        blocking = [i for i in track.items if i.kind == "clip" and i.start < start + length and start < i.end]
        if blocking and self._world.profile.overlap == "drop":
            return [self._ghost()]
        if blocking:
            start = max(item.end for item in track.items)
        made = ItemState(self._world.new_id("item"), media.name, start, length, int(info["startFrame"] * factor), media)
        track.items.append(made)
        timeline.playhead = made.end
        return [TimelineItem(self._world, self._project, timeline, made)]

    def _understood(self, info: dict[str, Any]) -> bool:
        keys = {"mediaPoolItem", "startFrame", "endFrame", "recordFrame", "trackIndex", "mediaType"}
        numbers = [info.get(name) for name in keys - {"mediaPoolItem"}]
        if set(info) != keys or any(type(n) is not int for n in numbers) or info["mediaType"] != 1:
            self._world.complain(f"a clip info {info!r}")
            return False
        return True

    def CreateEmptyTimeline(self, name: str) -> Timeline | None:
        if any(timeline.name == name for timeline in self._project.timelines):
            return None
        return self._added(TimelineState(self._world.new_id("timeline"), name))

    def _added(self, timeline: TimelineState) -> Timeline:
        media = MediaState(self._world.new_id("media"), timeline.name, timeline=timeline)
        media.properties = {"FPS": timeline.rate}
        self._project.timelines.append(timeline)
        self._project.folder.clips.append(media)
        self._project.current = timeline  # A new timeline is opened.
        return Timeline(self._world, self._project, timeline)

    def ImportTimelineFromFile(self, filePath: str, importOptions: dict[str, Any]) -> Timeline | None:
        known = {"timelineName", "importSourceClips", "sourceClipsPath", "sourceClipsFolders", "interlaceProcessing"}
        if set(importOptions) - known or not filePath.endswith(".otio"):
            self._world.complain(f"timeline import of {filePath} with {importOptions!r}")
            return None
        name = importOptions["timelineName"]
        if self._world.profile.links_with_sources not in (None, importOptions.get("importSourceClips", True)):
            return self._added(TimelineState(self._world.new_id("timeline"), name))
        if any(timeline.name == name for timeline in self._project.timelines) or self._project.current is None:
            return None
        made = from_otio(self._world, self._project, filePath, name, self._project.current)
        return self._added(made) if made is not None else None

    def DeleteTimelines(self, timeline: Sequence[Timeline]) -> bool:
        for facade in timeline:
            if facade._state is self._project.current:
                return False
            facade._state.deleted = True
            self._project.timelines.remove(facade._state)
            for folder in self._project.root.all():
                gone = [media for media in folder.clips if media.timeline is facade._state]
                self._forget(gone)
                folder.clips = [media for media in folder.clips if media not in gone]
        return True


class Folder(Scriptable):
    """A bin."""

    def __init__(self, world: World, state: FolderState) -> None:
        super().__init__(world)
        self._state = state

    def gone(self) -> bool:
        return self._state.deleted

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetClipList(self) -> list[MediaPoolItem]:
        return [MediaPoolItem(self._world, media) for media in self._state.clips]

    def GetSubFolderList(self) -> list[Folder]:
        return [Folder(self._world, folder) for folder in self._state.folders]


class MediaPoolItem(Scriptable):
    """A clip in a bin."""

    def __init__(self, world: World, state: MediaState) -> None:
        super().__init__(world)
        self._state = state

    def gone(self) -> bool:
        return self._state.deleted

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetThirdPartyMetadata(self, metadataType: str | None = None) -> Any:
        return dict(self._state.third) if metadataType is None else self._state.third.get(metadataType, "")

    def SetThirdPartyMetadata(self, metadataType: str, metadataValue: str) -> bool:
        if not isinstance(metadataType, str) or not isinstance(metadataValue, str):
            self._world.complain(f"metadata {metadataType!r}: {metadataValue!r}")
            return False
        if self._world.profile.third_party_sticks:
            self._state.third[metadataType] = metadataValue
        return True

    def GetClipProperty(self, propertyName: str) -> str:
        if propertyName not in ("File Path", "FPS", "Frames", "Start TC"):
            self._world.complain(f"clip property {propertyName!r}")
        return self._state.properties.get(propertyName, "")
