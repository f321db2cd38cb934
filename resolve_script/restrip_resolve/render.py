"""A range as the timeline shows it, through Resolve's own render queue.

Only the clip's track is on while it renders. Before anything is changed, the render settings are kept in a preset of
our own; afterwards settings, tracks, marks and page are put back, whatever happened.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput, RestripError
from restrip.timeline import FrameRange
from restrip_resolve.api import ResolveRefused, can, done, listed, need, whole
from restrip_resolve.journal import Journal
from restrip_resolve.session import Session

# (container, codec) by preference: visually lossless first. The codecs' ids are the same in every language.
WANTED = (
    ("mov", "ProRes422HQ"),
    ("mov", "DNxHRHQX_10"),
    ("mov", "DNxHRHQ"),
    ("mp4", "H264_NVIDIA"),
    ("mp4", "H264"),
    ("mov", "H264"),
    ("mp4", "H265"),
)
# What a queued job says of the settings that it was made with.
INHERITED = (
    "MarkIn",
    "MarkOut",
    "TargetDir",
    "FormatWidth",
    "FormatHeight",
    "FrameRate",
    "IsExportVideo",
    "IsExportAudio",
    "RenderMode",
)
POLL_S = 0.5
STALLED_S = 600.0


class RenderBusy(BadInput):
    """Resolve is rendering already."""

    code = "render-busy"

    def __init__(self) -> None:
        super().__init__("Resolve is rendering right now.", "Wait until its render queue is done, then run again.")


class RenderFailed(RestripError):
    """Resolve's render of the range ended without a file."""

    code = "render-failed"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"Resolve did not render the range: {why}.",
            "Render it on the Deliver page, put the file on the timeline in place of the clip, and stylize that.",
        )


class CannotRestore(BadInput):
    """This version of Resolve can't tell the in and out marks, so a render would lose them."""

    code = "cannot-restore"

    def __init__(self) -> None:
        super().__init__(
            "This version of Resolve doesn't tell scripts where the in and out marks are; rendering would lose them.",
            "Update to Resolve 19.1, or render the range on the Deliver page and stylize that file.",
        )


@dataclass(frozen=True)
class Pace:
    """How long to wait; tests don't."""

    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    poll_s: float = POLL_S
    stalled_s: float = STALLED_S


PACE = Pace()


def render_range(session: Session, track: int, frames: FrameRange, folder: Path, pace: Pace | None = None) -> Path:
    """Render absolute `frames` of a video track alone into a new folder under `folder`; returns the movie.

    Raises RenderBusy, RenderFailed, CannotRestore, ResolveRefused, RollbackIncomplete.
    """
    project = session.project
    if project.IsRenderingInProgress() is not False:
        raise RenderBusy
    if not can(session.timeline, "GetMarkInOut"):
        raise CannotRestore
    target = folder / f"source-{uuid.uuid4().hex[:8]}"
    target.mkdir(parents=True)
    with Journal(session.console) as journal:
        journal.undo(f"The folder {target}", lambda: None if any(target.iterdir()) else target.rmdir())
        keep_page(session, journal)
        back = _keep_marks(session, journal)
        keep_settings(session, journal)
        # Once before the settings, which are compared by what a job would cover, and once after all.
        journal.always("The in and out marks", back)
        _solo(session, track, journal)
        _choose_format(session)
        _choose_range(session, frames, target)
        job = _queued(session, frames, journal)
        done(project.StartRendering([job], False), "start rendering")
        _wait(session, job, pace or PACE)
    return _movie(target)


def keep_page(session: Session, journal: Journal) -> None:
    """Go back to the open page at the end.

    Most render calls switch to the Deliver page, even one that only reads: so this comes first.
    """
    page = need(session.resolve.GetCurrentPage(), "tell which page is open")

    def back() -> None:
        if session.resolve.GetCurrentPage() != page:
            session.resolve.OpenPage(page)
            if session.resolve.GetCurrentPage() != page:
                raise ResolveRefused(f"go back to the {page} page")

    journal.always(f"The {page} page", back)


def _keep_marks(session: Session, journal: Journal) -> Callable[[], None]:
    timeline = session.timeline
    before = {kind: dict(marks) for kind, marks in need(timeline.GetMarkInOut(), "tell the marks").items()}

    def back() -> None:
        if _plain(timeline.GetMarkInOut()) == before:
            return
        timeline.ClearMarkInOut("all")
        for kind, marks in before.items():
            if "in" in marks and "out" in marks:
                timeline.SetMarkInOut(marks["in"], marks["out"], kind)
        if _plain(timeline.GetMarkInOut()) != before:
            raise ResolveRefused("put the in and out marks back")

    journal.always("The in and out marks", back)
    return back


def _plain(marks: Mapping[str, Mapping[str, int]] | None) -> dict[str, dict[str, int]]:
    return {kind: dict(values) for kind, values in (marks or {}).items()}


def keep_settings(session: Session, journal: Journal) -> None:
    """Put all render settings back at the end, and take our jobs out of the queue.

    A preset holds format, codec and quality; folder, mode and range are kept apart, for presets that leave them out.
    """
    project = session.project
    chosen = dict(need(project.GetCurrentRenderFormatAndCodec(), "tell the render format"))
    preset = f"Restrip keeps your settings {uuid.uuid4().hex[:6]}"
    mode = need(project.GetCurrentRenderMode(), "tell the render mode")
    kept_jobs = {str(job.get("JobId")) for job in listed(project.GetRenderJobList(), "list the render queue")}
    journal.always("The render queue", lambda: _drop_jobs(session, kept_jobs))
    inherited = _inherited(session)
    # Whether all frames were chosen isn't told; a job that covers them all says as much.
    everything = (inherited.get("MarkIn"), inherited.get("MarkOut")) == (session.first, _last(session))
    journal.always("The render preset that kept your settings", lambda: _drop_preset(session, preset))
    done(project.SaveAsNewRenderPreset(preset), "keep the render settings")
    if preset not in _presets(session):
        raise ResolveRefused("keep the render settings")

    def back() -> None:
        if preset in _presets(session):
            done(project.LoadRenderPreset(preset), "load the kept render settings")
        done(project.SetRenderSettings({"SelectAllFrames": everything}), "put the range back")
        folder = inherited.get("TargetDir")
        if folder:
            done(project.SetRenderSettings({"TargetDir": folder}), "put the target folder back")
        done(project.SetCurrentRenderFormatAndCodec(chosen["format"], chosen["codec"]), "put the format back")
        done(project.SetCurrentRenderMode(mode), "put the render mode back")
        if dict(project.GetCurrentRenderFormatAndCodec() or {}) != chosen or _inherited(session) != inherited:
            raise ResolveRefused("put the render settings back")

    journal.always("Your render settings", back)


def _inherited(session: Session) -> dict[str, Any]:
    """What a job gets from the Deliver page as it stands: the only way to read those settings."""
    probe = need(session.project.AddRenderJob(), "add a render job")
    facts = _job(session, probe)
    done(session.project.DeleteRenderJob(probe), "remove a render job")
    return {name: facts[name] for name in INHERITED if name in facts}


def _last(session: Session) -> int:
    """The timeline's last frame."""
    return whole(session.timeline.GetEndFrame(), "tell the timeline's end") - 1


def _drop_jobs(session: Session, kept: set[str]) -> None:
    """Remove the jobs that are not the user's, also one whose id never reached us."""
    for job in listed(session.project.GetRenderJobList(), "list the render queue"):
        if str(job.get("JobId")) not in kept:
            done(session.project.DeleteRenderJob(str(job.get("JobId"))), "remove a render job")
    if any(str(job.get("JobId")) not in kept for job in session.project.GetRenderJobList() or ()):
        raise ResolveRefused("remove a render job")


def _drop_preset(session: Session, preset: str) -> None:
    if preset in _presets(session):
        session.project.DeleteRenderPreset(preset)
    if preset in _presets(session):
        raise ResolveRefused("delete a render preset")


def _presets(session: Session) -> list[str]:
    listing = listed(session.project.GetRenderPresetList(), "list the render presets")
    return [
        str(p.get("RenderPresetName", p.get("PresetName", ""))) if isinstance(p, Mapping) else str(p) for p in listing
    ]


def _solo(session: Session, track: int, journal: Journal) -> None:
    timeline = session.timeline
    before = {n: _enabled(session, n) for n in range(1, session.video_tracks() + 1)}

    def back() -> None:
        for n, enabled in before.items():
            if _enabled(session, n) != enabled:
                timeline.SetTrackEnable("video", n, enabled)
            if _enabled(session, n) != enabled:
                raise ResolveRefused(f"turn video track {n} {'on' if enabled else 'off'} again")

    journal.always("Which tracks are on", back)
    for n, enabled in before.items():
        if enabled != (n == track):
            timeline.SetTrackEnable("video", n, n == track)
        if _enabled(session, n) != (n == track):
            raise ResolveRefused(f"turn video track {n} {'on' if n == track else 'off'}")


def _enabled(session: Session, track: int) -> bool:
    """Whether a track is on. A no can also mean that Resolve didn't answer: only the same answer twice counts."""
    first, second = (session.timeline.GetIsTrackEnabled("video", track) for _ in range(2))
    if not isinstance(first, bool) or first is not second:
        raise ResolveRefused(f"tell whether video track {track} is on", first)
    return first


def _choose_format(session: Session) -> None:
    project = session.project
    for container, codec in _available(session):
        if project.SetCurrentRenderFormatAndCodec(container, codec):
            chosen = dict(project.GetCurrentRenderFormatAndCodec() or {})
            if (chosen.get("format"), chosen.get("codec")) == (container, codec):
                return
    raise RenderFailed("it offers no format for movies that can be used")


def _available(session: Session) -> Iterator[tuple[str, str]]:
    """What may be asked for, the best first: a codec that is listed may still be refused."""
    formats = need(session.project.GetRenderFormats(), "list the render formats")
    containers = {str(extension) for extension in formats.values()}
    codecs: dict[str, set[str]] = {
        container: set(map(str, (session.project.GetRenderCodecs(container) or {}).values()))
        for container in ("mov", "mp4")
        if container in containers
    }
    yield from ((container, codec) for container, codec in WANTED if codec in codecs.get(container, set()))


def _choose_range(session: Session, frames: FrameRange, target: Path) -> None:
    """Range, place and size, in payloads of their own: one key that is refused takes its whole payload with it."""
    project, timeline = session.project, session.timeline
    done(project.SetCurrentRenderMode(1), "render as a single clip")
    width = timeline.GetSetting("timelineResolutionWidth")
    height = timeline.GetSetting("timelineResolutionHeight")
    payloads: list[dict[str, Any]] = [
        {"SelectAllFrames": False, "MarkIn": frames.first, "MarkOut": frames.end - 1},
        {"TargetDir": str(target)},
        {"ExportVideo": True, "ExportAudio": False},
        {"FormatWidth": int(width), "FormatHeight": int(height)},
        {"FrameRate": float(session.rate)},
    ]
    if any(character in str(timeline.GetName()) for character in '/\\:*?"<>|'):
        payloads.append({"CustomName": "restrip-source"})
    for settings in payloads:
        done(project.SetRenderSettings(settings), f"take the render settings {', '.join(settings)}")


def _queued(session: Session, frames: FrameRange, journal: Journal) -> str:
    job = need(session.project.AddRenderJob(), "add a render job")
    journal.always("The render itself", lambda: _stop(session))
    facts = _job(session, job)
    asked = (frames.first, frames.end - 1)
    if (facts.get("MarkIn"), facts.get("MarkOut")) != asked:
        raise RenderFailed(f"its job covers frames {facts.get('MarkIn')} to {facts.get('MarkOut')}, not {asked}")
    return job


def _stop(session: Session) -> None:
    if session.project.IsRenderingInProgress():
        session.project.StopRendering()


def _job(session: Session, job_id: str) -> Mapping[str, Any]:
    for job in listed(session.project.GetRenderJobList(), "list the render queue"):
        if str(job.get("JobId")) == job_id:
            return job
    raise ResolveRefused("add a render job")


def _wait(session: Session, job: str, pace: Pace) -> None:
    """Until the job is at 100 percent: its status text is in the user's language and says nothing reliable."""
    seen, changed = -1, pace.clock()
    while True:
        status = need(session.project.GetRenderJobStatus(job), "tell how far the render is")
        if status.get("Error"):
            raise RenderFailed(str(status["Error"]))
        percent = whole(status.get("CompletionPercentage"), "tell how far the render is")
        if percent >= 100 and not session.project.IsRenderingInProgress():
            return
        if percent != seen:
            seen, changed = percent, pace.clock()
        elif pace.clock() - changed > pace.stalled_s:
            raise RenderFailed(f"it stands at {percent} percent ({status.get('JobStatus')})")
        elif percent < 100 and not session.project.IsRenderingInProgress() and pace.clock() - changed > 10:
            raise RenderFailed(f"it stopped at {percent} percent ({status.get('JobStatus')})")
        pace.sleep(pace.poll_s)


def _movie(target: Path) -> Path:
    movies = [file for file in sorted(target.iterdir()) if file.is_file() and file.stat().st_size > 0]
    if len(movies) != 1:
        raise RenderFailed(f"{len(movies)} files came out of it")
    return movies[0]
