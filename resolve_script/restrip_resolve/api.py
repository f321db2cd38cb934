"""The only door to Resolve: what of its scripting API is used, and how its answers are read.

Resolve says no by None or False instead of raising, reads a missing method as None, and `hasattr` is always True. So
capabilities are asked with `can`, and every answer goes through `need`, `done`, `whole` or `listed`. Names and
parameters are Resolve's own; tests hold them against the official stubs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from restrip.errors import RestripError

T = TypeVar("T")


class ResolveRefused(RestripError):
    """Resolve answered no, or nothing, to a call that should work."""

    code = "resolve-refused"

    def __init__(self, what: str, answer: object = None, remedy: str = "") -> None:
        super().__init__(
            f"Resolve did not {what} (it answered {answer!r}).",
            remedy or "Close open dialogs in Resolve, go to the Edit page and try again.",
            answer=repr(answer),
        )


class Resolve(Protocol):
    """The application."""

    def GetProjectManager(self) -> ProjectManager | None: ...  # noqa: D102
    def OpenPage(self, pageName: str) -> bool | None: ...  # noqa: D102
    def GetCurrentPage(self) -> str | None: ...  # noqa: D102
    def GetVersion(self) -> Sequence[Any] | None: ...  # noqa: D102
    def GetVersionString(self) -> str | None: ...  # noqa: D102
    def GetProductName(self) -> str | None: ...  # noqa: D102


class ProjectManager(Protocol):
    """Where the open project is."""

    def GetCurrentProject(self) -> Project | None: ...  # noqa: D102


class Project(Protocol):
    """The open project with its render queue."""

    def GetName(self) -> str | None: ...  # noqa: D102
    def GetUniqueId(self) -> str | None: ...  # noqa: D102
    def GetMediaPool(self) -> MediaPool | None: ...  # noqa: D102
    def GetCurrentTimeline(self) -> Timeline | None: ...  # noqa: D102
    def GetTimelineCount(self) -> int | None: ...  # noqa: D102
    def GetTimelineByIndex(self, idx: int) -> Timeline | None: ...  # noqa: D102
    def SetCurrentTimeline(self, timeline: Timeline) -> bool | None: ...  # noqa: D102
    def GetSetting(self, settingName: str) -> Any: ...  # noqa: D102
    def GetRenderFormats(self) -> Mapping[str, str] | None: ...  # noqa: D102
    def GetRenderCodecs(self, renderFormat: str) -> Mapping[str, str] | None: ...  # noqa: D102
    def GetCurrentRenderFormatAndCodec(self) -> Mapping[str, str] | None: ...  # noqa: D102
    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool | None: ...  # noqa: D102
    def GetCurrentRenderMode(self) -> int | None: ...  # noqa: D102
    def SetCurrentRenderMode(self, renderMode: int) -> bool | None: ...  # noqa: D102
    def SetRenderSettings(self, settings: Mapping[str, Any]) -> bool | None: ...  # noqa: D102
    def AddRenderJob(self) -> str | None: ...  # noqa: D102
    def DeleteRenderJob(self, jobId: str) -> bool | None: ...  # noqa: D102
    def GetRenderJobList(self) -> Sequence[Mapping[str, Any]] | None: ...  # noqa: D102
    def StartRendering(self, jobIds: Sequence[str], isInteractiveMode: bool) -> bool | None: ...  # noqa: D102
    def StopRendering(self) -> None: ...  # noqa: D102
    def IsRenderingInProgress(self) -> bool | None: ...  # noqa: D102
    def GetRenderJobStatus(self, jobId: str) -> Mapping[str, Any] | None: ...  # noqa: D102
    def GetRenderPresetList(self) -> Sequence[Any] | None: ...  # noqa: D102
    def SaveAsNewRenderPreset(self, presetName: str) -> bool | None: ...  # noqa: D102
    def LoadRenderPreset(self, presetName: str) -> bool | None: ...  # noqa: D102
    def DeleteRenderPreset(self, presetName: str) -> bool | None: ...  # noqa: D102


class MediaPool(Protocol):
    """The project's media."""

    def GetRootFolder(self) -> Folder | None: ...  # noqa: D102
    def AddSubFolder(self, folder: Folder, name: str) -> Folder | None: ...  # noqa: D102
    def GetCurrentFolder(self) -> Folder | None: ...  # noqa: D102
    def SetCurrentFolder(self, folder: Folder) -> bool | None: ...  # noqa: D102
    def ImportMedia(self, items: Sequence[str]) -> Sequence[MediaPoolItem] | None: ...  # noqa: D102
    def AppendToTimeline(self, clipInfo: Sequence[Mapping[str, Any]]) -> Sequence[TimelineItem] | None: ...  # noqa: D102
    def DeleteClips(self, clips: Sequence[MediaPoolItem]) -> bool | None: ...  # noqa: D102
    def DeleteFolders(self, subfolders: Sequence[Folder]) -> bool | None: ...  # noqa: D102
    def CreateEmptyTimeline(self, name: str) -> Timeline | None: ...  # noqa: D102
    def ImportTimelineFromFile(self, filePath: str, importOptions: Mapping[str, Any]) -> Timeline | None: ...  # noqa: D102
    def DeleteTimelines(self, timeline: Sequence[Timeline]) -> bool | None: ...  # noqa: D102


class Folder(Protocol):
    """A bin."""

    def GetName(self) -> str | None: ...  # noqa: D102
    def GetUniqueId(self) -> str | None: ...  # noqa: D102
    def GetClipList(self) -> Sequence[MediaPoolItem] | None: ...  # noqa: D102
    def GetSubFolderList(self) -> Sequence[Folder] | None: ...  # noqa: D102


class MediaPoolItem(Protocol):
    """A clip in a bin."""

    def GetName(self) -> str | None: ...  # noqa: D102
    def GetUniqueId(self) -> str | None: ...  # noqa: D102
    def GetClipProperty(self, propertyName: str) -> Any: ...  # noqa: D102
    def GetThirdPartyMetadata(self, metadataType: str) -> Any: ...  # noqa: D102
    def SetThirdPartyMetadata(self, metadataType: str, metadataValue: str) -> bool | None: ...  # noqa: D102


class Timeline(Protocol):
    """A timeline. Tracks count from 1; marker frames and marks count from the timeline's start."""

    def GetName(self) -> str | None: ...  # noqa: D102
    def GetUniqueId(self) -> str | None: ...  # noqa: D102
    def GetStartFrame(self) -> int | None: ...  # noqa: D102
    def GetEndFrame(self) -> int | None: ...  # noqa: D102
    def GetStartTimecode(self) -> str | None: ...  # noqa: D102
    def GetSetting(self, settingName: str) -> Any: ...  # noqa: D102
    def SetSetting(self, settingName: str, settingValue: str) -> bool | None: ...  # noqa: D102
    def GetTrackCount(self, trackType: str) -> int | None: ...  # noqa: D102
    def AddTrack(self, trackType: str, newTrackOptions: Mapping[str, int] = ...) -> bool | None: ...  # noqa: D102
    def DeleteTrack(self, trackType: str, trackIndex: int) -> bool | None: ...  # noqa: D102
    def GetTrackName(self, trackType: str, trackIndex: int) -> str | None: ...  # noqa: D102
    def SetTrackName(self, trackType: str, trackIndex: int, name: str) -> bool | None: ...  # noqa: D102
    def GetIsTrackEnabled(self, trackType: str, trackIndex: int) -> bool | None: ...  # noqa: D102
    def SetTrackEnable(self, trackType: str, trackIndex: int, Bool: bool) -> bool | None: ...  # noqa: D102
    def GetIsTrackLocked(self, trackType: str, trackIndex: int) -> bool | None: ...  # noqa: D102
    def SetTrackLock(self, trackType: str, trackIndex: int, Bool: bool) -> bool | None: ...  # noqa: D102
    def GetItemListInTrack(self, trackType: str, index: int) -> Sequence[TimelineItem] | None: ...  # noqa: D102
    def DeleteClips(self, timelineItems: Sequence[TimelineItem], Bool: bool) -> bool | None: ...  # noqa: D102
    def AddMarker(  # noqa: D102
        self, frameId: float, color: str, name: str, note: str, duration: float, customData: str
    ) -> bool | None: ...
    def GetMarkers(self) -> Mapping[float, Mapping[str, Any]] | None: ...  # noqa: D102
    def DeleteMarkerAtFrame(self, frameNum: float) -> bool | None: ...  # noqa: D102
    def GetCurrentTimecode(self) -> str | None: ...  # noqa: D102
    def SetCurrentTimecode(self, timecode: str) -> bool | None: ...  # noqa: D102
    def GetCurrentVideoItem(self) -> TimelineItem | None: ...  # noqa: D102
    def GetMarkInOut(self) -> Mapping[str, Mapping[str, int]] | None: ...  # noqa: D102
    def SetMarkInOut(self, mark_in: int, mark_out: int, type: str) -> bool | None: ...  # noqa: D102
    def ClearMarkInOut(self, type: str) -> bool | None: ...  # noqa: D102
    def GetMediaPoolItem(self) -> MediaPoolItem | None: ...  # noqa: D102
    def GetSelectedClips(self) -> Sequence[TimelineItem] | None: ...  # noqa: D102
    def GetNodeGraph(self) -> Graph | None: ...  # noqa: D102


class TimelineItem(Protocol):
    """A clip, generator or transition on a track. Start and end count absolutely, with the start timecode."""

    def GetName(self) -> str | None: ...  # noqa: D102
    def GetUniqueId(self) -> str | None: ...  # noqa: D102
    def GetStart(self) -> float | None: ...  # noqa: D102
    def GetDuration(self) -> float | None: ...  # noqa: D102
    def GetLeftOffset(self) -> float | None: ...  # noqa: D102
    def GetRightOffset(self) -> float | None: ...  # noqa: D102
    def GetSourceStartFrame(self) -> float | None: ...  # noqa: D102
    def GetSourceEndFrame(self) -> float | None: ...  # noqa: D102
    def GetMediaPoolItem(self) -> MediaPoolItem | None: ...  # noqa: D102
    def GetMarkers(self) -> Mapping[float, Mapping[str, Any]] | None: ...  # noqa: D102
    def GetProperty(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    def GetClipEnabled(self) -> bool | None: ...  # noqa: D102
    def SetClipEnabled(self, Bool: bool) -> bool | None: ...  # noqa: D102
    def SetClipColor(self, colorName: str) -> bool | None: ...  # noqa: D102
    def SetProperty(self, propertyKey: str, propertyValue: Any) -> bool | None: ...  # noqa: D102
    def GetTrackTypeAndIndex(self) -> Sequence[Any] | None: ...  # noqa: D102
    def GetFusionCompCount(self) -> int | None: ...  # noqa: D102
    def GetFusionCompNameList(self) -> Sequence[str] | None: ...  # noqa: D102
    def AddFusionComp(self) -> FusionComp | None: ...  # noqa: D102
    def ImportFusionComp(self, path: str) -> FusionComp | None: ...  # noqa: D102
    def ExportFusionComp(self, path: str, compIndex: int) -> bool | None: ...  # noqa: D102
    def DeleteFusionCompByName(self, compName: str) -> bool | None: ...  # noqa: D102
    def GetNodeGraph(self) -> Graph | None: ...  # noqa: D102
    def GetColorGroup(self) -> ColorGroup | None: ...  # noqa: D102
    def GetSpeed(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    def AddTransition(self, transitionOptions: Mapping[str, Any]) -> TimelineItem | None: ...  # noqa: D102


class Graph(Protocol):
    """The colour nodes of an item."""

    def GetNumNodes(self) -> int | None: ...  # noqa: D102
    def GetToolsInNode(self, nodeIndex: int) -> Sequence[str] | None: ...  # noqa: D102
    def GetLUT(self, nodeIndex: int) -> str | None: ...  # noqa: D102


class ColorGroup(Protocol):
    """Clips that are graded together."""

    def GetPreClipNodeGraph(self) -> Graph | None: ...  # noqa: D102
    def GetPostClipNodeGraph(self) -> Graph | None: ...  # noqa: D102


class FusionComp(Protocol):
    """A Fusion composition; only its existence matters here."""


def can(thing: object, name: str) -> bool:
    """Whether Resolve's object has a method of that name, in this version and edition.

    A missing one reads as None. Some bridges make up a callable for any name: there the object's own listing decides.
    """
    if not callable(getattr(thing, name, None)):
        return False
    names = dir(thing)
    return name in names or not any(known.startswith("Get") for known in names)


def need(value: T | None, what: str) -> T:
    """The answer, when there is one. Raises ResolveRefused for None, False and ""; `what` completes "did not ..."."""
    if value is None or value is False or value == "":
        raise ResolveRefused(what, value)
    return value


def done(value: object, what: str) -> None:
    """Raise ResolveRefused unless the answer is a yes."""
    if not value:
        raise ResolveRefused(what, value)


def whole(value: float | None, what: str) -> int:
    """A frame or a count as an int; Resolve returns floats too. Raises ResolveRefused."""
    if value is None or isinstance(value, bool):
        raise ResolveRefused(what, value)
    return round(value)


def listed(value: Sequence[T] | None, what: str) -> list[T]:
    """A list, also an empty one. Raises ResolveRefused for None and False."""
    if value is None or isinstance(value, bool):
        raise ResolveRefused(what, value)
    return list(value)


def uid(thing: Folder | MediaPoolItem | Timeline | TimelineItem | Project) -> str:
    """The id under which Resolve keeps the object. Raises ResolveRefused; an item without one isn't there."""
    value = thing.GetUniqueId()
    if not isinstance(value, str) or not value:
        raise ResolveRefused("give the object's id", value)
    return value
