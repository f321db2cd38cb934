"""The application, the project and its render queue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .pool import MediaPool
from .state import ProjectState
from .timeline import Timeline
from .world import Scriptable, World

PAGES = ("media", "cut", "edit", "fusion", "color", "fairlight", "deliver")
FORMATS = {"QuickTime": "mov", "MP4": "mp4", "GIF": "gif"}
CODECS = {
    "mov": {"Apple ProRes 422 HQ": "ProRes422HQ", "H.264": "H264"},
    "mp4": {"H.264": "H264", "H.265": "H265"},
    "gif": {},
}
SETTINGS = {"SelectAllFrames", "MarkIn", "MarkOut", "TargetDir", "CustomName", "ExportVideo", "ExportAudio"}
SETTINGS |= {"FormatWidth", "FormatHeight", "FrameRate"}


class Resolve(Scriptable):
    """The application."""

    def __init__(self, world: World, project: ProjectState | None) -> None:
        super().__init__(world)
        self._project = project

    def GetProjectManager(self) -> ProjectManager:
        return ProjectManager(self._world, self._project)

    def OpenPage(self, pageName: str) -> bool:
        if pageName not in PAGES:
            self._world.complain(f"the page {pageName!r}")
            return False
        self._world.page = pageName
        return True

    def GetCurrentPage(self) -> str:
        return self._world.page

    def GetVersion(self) -> list[Any]:
        return [*self._world.profile.version, 5, ""]

    def GetVersionString(self) -> str:
        return ".".join(map(str, self._world.profile.version)) + ".5"

    def GetProductName(self) -> str:
        return "DaVinci Resolve Studio" if self._world.profile.studio else "DaVinci Resolve"


class ProjectManager(Scriptable):
    """Where the open project is."""

    def __init__(self, world: World, project: ProjectState | None) -> None:
        super().__init__(world)
        self._project = project

    def GetCurrentProject(self) -> Project | None:
        return Project(self._world, self._project) if self._project else None


class Project(Scriptable):
    """The open project."""

    def __init__(self, world: World, state: ProjectState) -> None:
        super().__init__(world)
        self._state = state

    def lie(self, name: str) -> Any:
        return "job-lie" if name == "AddRenderJob" else super().lie(name)

    def _out_mark_lies_behind(self) -> int:
        """1 where the frame of the out mark is no longer rendered."""
        return 0 if self._world.profile.out_inclusive else 1

    def _deliver(self) -> Any:
        """What switches to the Deliver page."""
        self._world.page = "deliver"
        return self._state.render

    def GetName(self) -> str:
        return self._state.name

    def GetUniqueId(self) -> str:
        return self._state.id

    def GetMediaPool(self) -> MediaPool:
        return MediaPool(self._world, self._state)

    def GetCurrentTimeline(self) -> Timeline | None:
        return Timeline(self._world, self._state, self._state.current) if self._state.current else None

    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        if timeline._state not in self._state.timelines:
            return False
        self._state.current = timeline._state
        return True

    def GetTimelineCount(self) -> int:
        return len(self._state.timelines)

    def GetTimelineByIndex(self, idx: int) -> Timeline | None:
        if not 1 <= idx <= len(self._state.timelines):
            return None
        return Timeline(self._world, self._state, self._state.timelines[idx - 1])

    def GetSetting(self, settingName: str) -> Any:
        if settingName != "colorScienceMode":
            self._world.complain(f"project setting {settingName!r}")
        return {"colorScienceMode": self._state.colour_science}.get(settingName)

    def GetRenderFormats(self) -> dict[str, str]:
        return dict(FORMATS)

    def GetRenderCodecs(self, renderFormat: str) -> dict[str, str]:
        return dict(CODECS.get(renderFormat, {}))

    def GetCurrentRenderFormatAndCodec(self) -> dict[str, str]:
        return {"format": self._state.render.format, "codec": self._state.render.codec}

    def SetCurrentRenderFormatAndCodec(self, format: str, codec: str) -> bool:
        if codec not in CODECS.get(format, {}).values():
            return False
        render = self._deliver()
        render.format, render.codec = format, codec
        return True

    def GetCurrentRenderMode(self) -> int:
        return int(self._deliver().mode)

    def SetCurrentRenderMode(self, renderMode: int) -> bool:
        if renderMode not in (0, 1):
            return False
        self._deliver().mode = renderMode
        return True

    def SetRenderSettings(self, settings: dict[str, Any]) -> bool:
        if set(settings) - SETTINGS:
            self._world.complain(f"render settings {settings!r}")
            return False
        if settings.get("CustomName", "x") in ("", None):
            return False
        render, timeline = self._deliver(), self._state.current
        if timeline is not None and "MarkIn" in settings:
            # Absolute frames; what lies before the timeline is clamped, silently.
            first = max(0, settings["MarkIn"] - timeline.start)
            last = max(0, settings["MarkOut"] - timeline.start) + self._out_mark_lies_behind()
            timeline.marks = {kind: {"in": first, "out": last} for kind in ("video", "audio")}
        render.select_all = settings.get("SelectAllFrames", render.select_all)
        render.settings.update({k: v for k, v in settings.items() if k not in ("SelectAllFrames", "MarkIn", "MarkOut")})
        return True

    def GetRenderPresetList(self) -> list[str]:
        return list(self._state.render.presets)

    def SaveAsNewRenderPreset(self, presetName: str) -> bool:
        render = self._deliver()
        if presetName in render.presets:
            return False
        left_out = {"CustomName"} if self._world.profile.preset_keeps_folder else {"TargetDir", "CustomName"}
        kept = {k: v for k, v in render.settings.items() if k not in left_out}
        render.presets[presetName] = {"settings": kept, "format": (render.format, render.codec)}
        return True

    def LoadRenderPreset(self, presetName: str) -> bool:
        render = self._deliver()
        if presetName not in render.presets:
            return False
        preset = render.presets[presetName]
        render.settings.update(preset.get("settings", {}))
        render.format, render.codec = preset.get("format", (render.format, render.codec))
        return True

    def DeleteRenderPreset(self, presetName: str) -> bool:
        return self._state.render.presets.pop(presetName, None) is not None

    def AddRenderJob(self) -> str:
        render, timeline = self._deliver(), self._state.current
        assert timeline is not None
        if not render.settings["TargetDir"]:
            return ""  # A fresh project: reported by users, for 18 to 20.
        end = max((item.end for track in timeline.video for item in track.items), default=timeline.start + 1)
        marks = {} if render.select_all else timeline.marks.get("video", {})
        job_id = self._world.new_id("job")
        extension = render.format
        name = render.settings.get("CustomName", timeline.name)
        render.jobs[job_id] = {
            "JobId": job_id,
            "TimelineName": timeline.name,
            "TargetDir": render.settings["TargetDir"],
            "OutputFilename": f"{name}.{extension}",
            "IsExportVideo": render.settings["ExportVideo"],
            "IsExportAudio": render.settings["ExportAudio"],
            "FormatWidth": render.settings["FormatWidth"],
            "FormatHeight": render.settings["FormatHeight"],
            "FrameRate": render.settings["FrameRate"],
            "RenderMode": "Single clip" if render.mode else "Individual clips",
            "MarkIn": timeline.start + marks.get("in", 0),
            "MarkOut": timeline.start + marks["out"] - self._out_mark_lies_behind() if "out" in marks else end - 1,
        }
        return job_id

    def DeleteRenderJob(self, jobId: str) -> bool:
        return self._state.render.jobs.pop(jobId, None) is not None

    def GetRenderJobList(self) -> list[dict[str, Any]]:
        return [dict(job) for job in self._state.render.jobs.values()]

    def StartRendering(self, jobIds: Sequence[str], isInteractiveMode: bool = False) -> bool:
        render = self._deliver()
        if not isinstance(jobIds, list) or len(jobIds) != 1 or jobIds[0] not in render.jobs or render.running:
            return False
        render.running, render.percent = jobIds[0], 0
        return True

    def StopRendering(self) -> None:
        self._state.render.running = ""

    def IsRenderingInProgress(self) -> bool:
        return bool(self._state.render.running)

    def GetRenderJobStatus(self, jobId: str) -> dict[str, Any] | None:
        """Each question takes the render a third further. The status text is in the user's language."""
        render = self._state.render
        job = render.jobs.get(jobId)
        if job is None:
            return None
        if render.running == jobId:
            render.percent += 34
            if render.fails and render.percent > 60:
                render.running = ""
                return {"JobStatus": "Fallito", "CompletionPercentage": 68, "Error": render.fails}
            if render.percent >= 100:
                render.running = ""
                self._write(job)
        percent = min(render.percent, 100)
        return {"JobStatus": "Concluso" if percent == 100 else "In corso", "CompletionPercentage": percent}

    def _write(self, job: dict[str, Any]) -> None:
        path = Path(job["TargetDir"]) / job["OutputFilename"]
        if self._world.renderer is not None:
            self._world.renderer(str(path), job["MarkIn"], job["MarkOut"])
        else:
            path.write_bytes(b"movie")
