"""What a render changes and is put back afterwards, whatever happened: page, marks, settings, queue, tracks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from restrip.errors import BadInput
from restrip_resolve.api import ResolveRefused, done, listed, need, whole
from restrip_resolve.journal import Journal
from restrip_resolve.session import Session

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


UNSET = ""
"""The target folder of a project that never rendered."""


class NoRenderFolder(BadInput):
    """The project has no folder to render to, and takes none from a script."""

    code = "no-render-folder"

    def __init__(self) -> None:
        super().__init__(
            "Resolve adds no render job: this project has no folder to render to yet.",
            "Choose one on the Deliver page (Location, Browse), then run the script again.",
        )


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


def keep_marks(session: Session, journal: Journal) -> Callable[[], None]:
    """Put the in and out marks back at the end; also what does so at once."""
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


def keep_settings(session: Session, journal: Journal, target: Path) -> None:
    """Put all render settings back at the end, and take our jobs out of the queue.

    A preset holds format, codec and quality; folder, mode and range are kept apart, for presets that leave them out.
    A fresh project has no folder yet, and adds no render job before it has one: then it gets `target` meanwhile.
    """
    project = session.project
    chosen = dict(need(project.GetCurrentRenderFormatAndCodec(), "tell the render format"))
    preset = f"Restrip keeps your settings {uuid.uuid4().hex[:6]}"
    mode = need(project.GetCurrentRenderMode(), "tell the render mode")
    kept_jobs = {str(job.get("JobId")) for job in listed(project.GetRenderJobList(), "list the render queue")}
    journal.always("The render queue", lambda: _drop_jobs(session, kept_jobs))
    inherited = _inherited(session, journal, target)
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
        if folder is not None:
            # Without a folder there is no job to read the settings from: it is unset again as the last thing.
            done(project.SetRenderSettings({"TargetDir": folder or str(target)}), "put the target folder back")
        done(project.SetCurrentRenderFormatAndCodec(chosen["format"], chosen["codec"]), "put the format back")
        done(project.SetCurrentRenderMode(mode), "put the render mode back")
        expected = {**inherited, "TargetDir": str(target)} if folder == UNSET else inherited
        if dict(project.GetCurrentRenderFormatAndCodec() or {}) != chosen or _facts_of_a_job(session) != expected:
            raise ResolveRefused("put the render settings back")
        if folder == UNSET:
            _unset_folder(session)

    journal.always("Your render settings", back)


def _inherited(session: Session, journal: Journal, target: Path) -> dict[str, Any]:
    """What a job gets from the Deliver page as it stands: the only way to read those settings."""
    facts = _facts_of_a_job(session)
    if facts is not None:
        return facts
    journal.undo("The target folder", lambda: _unset_folder(session))
    if not session.project.SetRenderSettings({"TargetDir": str(target)}):
        raise NoRenderFolder
    facts = _facts_of_a_job(session)
    if facts is None:
        raise NoRenderFolder
    return {**facts, "TargetDir": UNSET}


def _unset_folder(session: Session) -> None:
    done(session.project.SetRenderSettings({"TargetDir": UNSET}), "leave the target folder unset")
    if _facts_of_a_job(session) is not None:
        raise ResolveRefused("leave the target folder unset")


def _facts_of_a_job(session: Session) -> dict[str, Any] | None:
    """None when Resolve adds no job because it has no folder to render to: it answers "" then."""
    probe = session.project.AddRenderJob()
    if probe == UNSET:
        return None
    probe = need(probe, "add a render job")
    facts = job_facts(session, probe)
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


def solo(session: Session, track: int, journal: Journal) -> None:
    """Turn all video tracks but one off, until the end."""
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


def job_facts(session: Session, job_id: str) -> Mapping[str, Any]:
    """What the render queue says of a job."""
    for job in listed(session.project.GetRenderJobList(), "list the render queue"):
        if str(job.get("JobId")) == job_id:
            return job
    raise ResolveRefused("add a render job")
