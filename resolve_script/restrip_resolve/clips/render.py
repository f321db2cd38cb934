"""A range as the timeline shows it, through Resolve's own render queue.

Only the clip's track is on while it renders. Before anything is changed, the render settings are kept in a preset of
our own; afterwards settings, tracks, marks and page are put back, whatever happened.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restrip.errors import BadInput, RestripError
from restrip.timeline import FrameRange
from restrip_resolve.api import can, done, listed, need, whole
from restrip_resolve.clips.keep import job_facts, keep_marks, keep_page, keep_settings, solo
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
RANGE = "source-"
"""How the folder of a rendered range begins."""
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


class RenderStopped(BadInput):
    """The render of the range was stopped, here or on the Deliver page."""

    code = "render-stopped"

    def __init__(self, percent: int) -> None:
        super().__init__(
            f"Resolve's render of the range was stopped at {percent} percent.",
            "Run the script again when you want the result.",
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
    target = folder / f"{RANGE}{uuid.uuid4().hex[:8]}"
    target.mkdir(parents=True)
    with Journal(session.console) as journal:
        journal.undo(f"The folder {target}", lambda: None if any(target.iterdir()) else target.rmdir())
        keep_page(session, journal)
        back = keep_marks(session, journal)
        keep_settings(session, journal, target)
        # Once before the settings, which are compared by what a job would cover, and once after all.
        journal.always("The in and out marks", back)
        solo(session, track, journal)
        _choose_format(session)
        _choose_range(session, frames, target)
        job = _queued(session, frames, journal)
        done(project.StartRendering([job], False), "start rendering")
        _wait(session, job, pace or PACE)
    return _movie(target)


def stop_ranges(session: Session) -> bool:
    """Stop the render of a range that a script waits for, if one runs; renders of the user's own are left alone."""
    project = session.project
    if not project.IsRenderingInProgress():
        return False
    with Journal(session.console) as journal:
        keep_page(session, journal)
        jobs = listed(project.GetRenderJobList(), "list the render queue")
        ours = any(Path(str(job.get("TargetDir") or "")).name.startswith(RANGE) for job in jobs)
        if ours:
            project.StopRendering()
    return ours


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
    facts = job_facts(session, job)
    asked = (frames.first, frames.end - 1)
    if (facts.get("MarkIn"), facts.get("MarkOut")) != asked:
        raise RenderFailed(f"its job covers frames {facts.get('MarkIn')} to {facts.get('MarkOut')}, not {asked}")
    return job


def _stop(session: Session) -> None:
    if session.project.IsRenderingInProgress():
        session.project.StopRendering()


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
            raise RenderStopped(percent)
        pace.sleep(pace.poll_s)


def _movie(target: Path) -> Path:
    movies = [file for file in sorted(target.iterdir()) if file.is_file() and file.stat().st_size > 0]
    if len(movies) != 1:
        raise RenderFailed(f"{len(movies)} files came out of it")
    return movies[0]
