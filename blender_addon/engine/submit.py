"""On the way to the engine: a strip is rendered if no file shows it, described, and handed in as a job.

begin ─► [render through the sequencer] ─► send ─► followed by jobs.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from restrip.client.ids import new_job_id
from restrip.client.job import JobSpec
from restrip.client.schema import Schema
from restrip.errors import RestripError
from restrip.timeline import FrameRange

from .. import jobs, values
from ..live_job import LiveJob
from ..timeline import clip, matte, notices, places, rendering, results, transparency
from ..ui import prompts
from . import model_facts, schema
from .requests import StripRequest, request_of
from .transport import Failed


def begin(scene: Any, strip: Any) -> LiveJob:
    """Start a job for a strip. Raises NothingToStylize, NoLook, NoMatte, NoFolder."""
    places.check(scene)
    request = request_of(scene, strip)
    facts = request.origin.facts
    job = LiveJob(new_job_id(), strip.name, "sending", mine=True, request=request)
    jobs.board().add(job)
    notices.clear(strip)
    strip.restrip.job, strip.restrip.start, strip.restrip.rendered = job.job_id, facts.start, bool(facts.reasons)
    schema.remember(request.values)
    prompts.remember(request.values)
    if facts.reasons:
        job.stage = "rendering"
        render(scene, strip, job, facts.span, lambda pictures: _rendered(job, pictures))
    else:
        _with_matte(job, facts)
    return job


def render(scene: Any, strip: Any, job: LiveJob, span: FrameRange, then: Callable[[clip.StripFacts], None]) -> None:
    """Render a part of a strip through the sequencer for a job; `then` gets the pictures as facts."""
    facts = clip.facts_of(scene, strip)

    def done(paths: list[str]) -> None:
        job.stop = None
        if job.stage == "rendering":
            then(replace(facts, paths=tuple(paths), span=span, fps=0.0, start=span.first, content=len(span)))

    depth = schema.deep(schema.values_of(strip)), True
    job.stop = rendering.begin(scene, strip, span, depth, _teller(job, done))


def _rendered(job: LiveJob, pictures: clip.StripFacts) -> None:
    assert job.request is not None
    job.request = replace(job.request, pictures=pictures)
    _with_matte(job, pictures)


def _with_matte(job: LiveJob, facts: clip.StripFacts) -> None:
    """Hand a job in once its matte is there: a strip or a mask is rendered first."""
    request = job.request
    assert request is not None
    if not request.matte.drawn:
        send(job, facts)
        return
    scene = bpy.data.scenes.get(request.origin.scene)
    drawn = matte.found(scene, request.matte) if scene is not None else None
    if scene is None or drawn is None:
        jobs.fail(job, matte.gone(job.name, request.matte))
        return

    def rendered(paths: list[str]) -> None:
        assert job.request is not None
        job.stop = None
        if job.stage == "rendering":
            job.request = replace(job.request, matte_path=str(Path(paths[0]).parent))
            send(job, facts)

    job.stage, job.done = "rendering", 0.0
    job.stop = rendering.begin(scene, drawn, request.origin.facts.span, (False, False), _teller(job, rendered))


def _teller(job: LiveJob, done: Callable[[list[str]], None]) -> rendering.Teller:
    """Tells a job of what is rendered for it."""

    def progress(part: float) -> None:
        job.done = part

    def failed(log: str) -> None:
        job.stop = None
        if job.stage == "rendering":
            jobs.fail(job, rendering.RenderFailed(job.name, log))

    return rendering.Teller(progress, done, failed)


def pictured(scene: Any, strip: Any, name: str, span: FrameRange, then: Callable[[clip.StripFacts], None]) -> None:
    """The files that show a strip, for a small job of this name: its own, or `span` of it rendered first."""
    facts = clip.facts_of(scene, strip)
    if not facts.reasons:
        then(facts)
        return
    job = LiveJob(new_job_id(), name, "rendering", mine=False)
    jobs.board().add(job)

    def done(pictures: clip.StripFacts) -> None:
        jobs.board().jobs.pop(job.job_id, None)
        then(pictures)

    render(scene, strip, job, span, done)


def said_at_start(job: LiveJob) -> str:
    """One sentence for the status line."""
    assert job.request is not None
    count = len(job.request.keys)
    first = f"Stylizing {job.name} with {count} keyframe{'' if count == 1 else 's'}."
    reasons = job.request.origin.facts.reasons
    through = f" Rendered through the sequencer first: {', '.join(reasons)}." if reasons else ""
    return " ".join([first + through, *job.request.notes])


def send(job: LiveJob, facts: clip.StripFacts) -> None:
    """Hand a job in. `facts` name files: the strip's own, or the pictures that were rendered of it."""
    request = job.request
    assert request is not None
    job.stage = "sending"

    def failed(error: RestripError) -> None:
        jobs.fail(job, error)

    def described(spec: JobSpec) -> None:
        said = transparency.said(request.values, spec.output.format)
        if said:
            job.request = replace(request, notes=(*request.notes, said))
        if job.stage == "sending":
            spec = replace(
                spec,
                matte=request.matte_path,
                output=replace(spec.output, folder=places.folder_for(request, job.job_id)),
            )
            jobs.board().transport.ask("submit", {"spec": spec.to_json()}, taken, failed)

    def taken(_: Any) -> None:
        if job.stage == "sending":
            job.stage = "engine"
            jobs.board().transport.follow(job.job_id)

    spec_of(job.job_id, request, facts, described, failed)


def spec_of(
    job_id: str, request: StripRequest, facts: clip.StripFacts, then: Callable[[JobSpec], None], failed: Failed
) -> None:
    """Have `then` called with the job for a request, once the engine has told its settings and what the media is."""

    def described(told: Mapping[str, Any]) -> None:
        learn(told["schema"])
        _, strip = results.find_source(job_id, request.origin)
        if strip is not None:
            strip.restrip.turned = int(told["media"].get("rotation", 0))
        made = clip.clip_of(facts, told["media"])
        wanted = {**request.values, "format": transparency.fitting(request.values, told["media"])}
        idle = model_facts.idle(wanted)
        acting = [setting for setting in schema.current() if setting.key not in idle]
        then(values.job_spec(job_id, made, request.keys, wanted, acting, request.project))

    known = schema.known()
    asked = {"etag": known.etag if known is not None else "", "paths": facts.paths if facts.fps else facts.paths[:1]}
    jobs.board().transport.ask("describe", asked, described, failed)


def learn(told: Mapping[str, Any] | None) -> None:
    """Take over the engine's settings when they are new."""
    if told is not None:
        for take in jobs.on_schema:
            take(Schema.from_json(told))


def resume(job: LiveJob) -> None:
    """Send a job that failed or was stopped on its way again. Raises NothingToStylize.

    When its strip, its markers or its settings were changed since, or the engine never had it, it is begun anew as the
    strip is now: what was finished and is still the same isn't rendered again.
    """
    if job.again is not None:
        jobs.dismiss(job.job_id)
        job.again()
        return
    scene, strip = results.find_source(job.job_id, job.request.origin if job.request is not None else None)
    if strip is not None and job.came is None and _changed(scene, strip, job):
        begin(scene, strip)
        jobs.board().jobs.pop(job.job_id, None)
        return
    if not job.status.job_id:
        jobs.dismiss(job.job_id)
        raise clip.NothingToStylize(
            f"{job.name} is gone from the timeline.", "Undo until it is there, or add it again."
        )
    ask = "retry" if job.status.state == "failed" else "resume"
    job.stage, job.error, job.message, job.began = "engine", None, "", 0.0
    notices.clear(strip)

    def again(_: Any) -> None:
        jobs.board().transport.follow(job.job_id)

    jobs.board().transport.ask(ask, {"job_id": job.job_id}, again, lambda error: jobs.fail(job, error))


def _changed(scene: Any, strip: Any, job: LiveJob) -> bool:
    """Whether a strip is wanted otherwise than its job says, or nobody knows what that job said."""
    if job.request is None:
        return job.status.state == "failed"
    now = request_of(scene, strip)
    then = job.request
    asked = now.origin.facts, now.keys, dict(now.values)
    return not job.status.job_id or asked != (then.origin.facts, then.keys, dict(then.values))
