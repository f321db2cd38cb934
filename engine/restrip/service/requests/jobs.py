"""Requests that hand jobs in, list them, and stop and start them."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restrip.client.ids import check_job_id, new_job_id
from restrip.client.job import BadJob, JobSpec, clip_from_json
from restrip.client.messages import MAX_BYTES, BadMessage, Message
from restrip.jobs.model.settings_schema import schema
from restrip.jobs.model.store import JobConflict, Record, UnknownJob
from restrip.jobs.model.validation import StaleSettings, check_look, is_short, read_job
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import is_int, job_id_of, said, source_of, text
from restrip.service.requests.guests import vetted
from restrip.service.requests.refusals import Draining
from restrip.storage.json_files import canonical

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher

MOST_LISTED = 1000
MOST_SEEDS = 100
MOST_ERROR = 1e6
MOST_SUGGESTED = 10_000


def submit(dispatcher: Dispatcher, message: Message, reply: Reply) -> Mapping[str, Any] | None:
    """Take a job in. Raises what `read_job` does, JobConflict, StaleSettings, Draining."""
    job_id = check_job_id(message.body.get("job_id"))
    if job_id not in dispatcher.engine.records and dispatcher.engine.draining:
        raise Draining
    spec = read_job(message.body)
    if job_id in dispatcher.engine.records:
        return _accept(dispatcher, message, spec)
    return vetted(dispatcher, message, spec.to_json(), lambda: _accept(dispatcher, message, spec), reply)


def _accept(dispatcher: Dispatcher, message: Message, spec: JobSpec) -> dict[str, Any]:
    """Take it in, or say again what was said of it before."""
    engine, job_id = dispatcher.engine, spec.job_id
    known = engine.records.get(job_id)
    job = {"kind": "render", **spec.to_json()}
    if known is not None:
        if known.guest != message.guest and message.guest:
            raise UnknownJob(job_id)
        if canonical(engine.store.job(job_id)) != canonical(job):
            raise JobConflict(job_id)
        return {"accepted": True, "job_id": job_id, "state": known.state, "position": 0}
    if engine.draining:
        raise Draining
    etag = message.body.get("settings_etag")
    if etag is not None and etag != schema()["etag"]:
        raise StaleSettings
    record = Record(
        job_id,
        project=spec.project,
        session=message.who,
        name=spec.clip.name or os.path.basename(spec.clip.paths[0]),
        created=time.time(),
        priority=spec.priority,
        delivered=bool(spec.output.folder),
        guest=message.guest,
    )
    return {"accepted": True, "job_id": job_id, "state": "queued", "position": engine.accept(record, job)}


def _interactive(dispatcher: Dispatcher, message: Message, job: dict[str, Any]) -> dict[str, Any]:
    """Accept a job of a kind that goes before renders."""
    if dispatcher.engine.draining:
        raise Draining
    clip = clip_from_json(job["source"])
    record = Record(
        new_job_id(),
        kind=job["kind"],
        project=text(message, "project")[:1000],
        session=message.who,
        name=clip.name or os.path.basename(clip.paths[0]),
        created=time.time(),
        guest=message.guest,
    )
    dispatcher.engine.accept(record, job)
    return {"job_id": record.job_id}


def seeds(dispatcher: Dispatcher, message: Message, reply: Reply) -> Mapping[str, Any] | None:
    """Have several seeds tried on one frame, before renders. Raises BadJob, BadSetting, UnknownLook, Draining."""
    source, body = source_of(message), message.body
    look, frame, count, prompt = body.get("look"), body.get("frame"), body.get("n", 9), body.get("prompt")
    if not isinstance(look, dict) or not isinstance(look.get("settings", {}), dict):
        raise BadJob("seeds needs a look: {name, settings}.")
    name, settings = look.get("name", ""), look.get("settings", {})
    if not isinstance(name, str):
        raise BadJob("A look's name is a text.")
    check_look(name, settings)
    if not is_int(frame) or not 0 <= int(frame or 0) < clip_from_json(source).length:
        raise BadJob(
            f"Frame {said(frame)} lies outside the clip.",
            "Give a frame of the clip.",
        )
    if not is_int(count) or not 1 <= count <= MOST_SEEDS:
        raise BadJob(
            f"{said(count)} seeds can't be tried.",
            f"Ask for 1 to {MOST_SEEDS}.",
        )
    if prompt is not None and not is_short(prompt):
        raise BadJob("The prompt is no text, or too long a one.")
    job = {"kind": "seeds", "source": source, "frame": frame, "n": count, "prompt": prompt}
    job["look"] = {"name": name, "settings": settings}
    return vetted(dispatcher, message, job, lambda: _interactive(dispatcher, message, job), reply)


def suggest(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Have keys suggested, before renders. Raises BadJob, Draining."""
    source, count, error = source_of(message), message.body.get("count"), message.body.get("error")
    by_count = is_int(count) and error is None and 1 <= int(count or 0) <= MOST_SUGGESTED
    by_error = (
        count is None and isinstance(error, int | float) and not isinstance(error, bool) and 0 < error <= MOST_ERROR
    )
    if not by_count and not by_error:
        raise BadJob(
            f"Keys are suggested by how many they shall be, 1 to {MOST_SUGGESTED}, or by the error that they may "
            f"leave, a number above 0 and up to {MOST_ERROR:,.0f}: by one of both."
        )
    return _interactive(dispatcher, message, {"kind": "suggest", "source": source, "count": count, "error": error})


def status(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """All about one job."""
    return dispatcher.engine.status(job_id_of(message)).to_json()


def list_jobs(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """jobs: a page of statuses, newest first."""
    body = message.body
    project = body.get("project", dispatcher.clients[message.who]["project"] or "*")
    wanted, beginning = body.get("states"), body.get("beginning", "")
    limit, skip = body.get("limit", 100), body.get("skip", 0)
    if not (is_int(limit) and is_int(skip) and limit >= 0 and skip >= 0 and isinstance(beginning, str)):
        raise BadMessage("limit and skip are numbers from 0, beginning is a text.")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(state, str) for state in wanted)):
        raise BadMessage("states is a list of states.")
    found = [
        record
        for record in dispatcher.engine.records.values()
        if (project == "*" or record.project == project)
        and (wanted is None or record.state in wanted)
        and record.job_id.startswith(beginning)
    ]
    wanted_at_most = skip + min(limit, MOST_LISTED)
    newest = heapq.nlargest(wanted_at_most, found, key=lambda record: (record.created, record.job_id))
    listed: list[dict[str, Any]] = []
    size = 0
    for record in newest[skip:]:
        job = dispatcher.engine.status(record.job_id).to_json()
        size += len(canonical(job))
        if size > MAX_BYTES // 2 and listed:
            break
        listed.append(job)
    return {"jobs": listed, "more": skip + len(listed) < len(found)}


def cancel(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Ask a job to stop. Raises UnknownJob, WrongState."""
    return {"state": dispatcher.engine.cancel(job_id_of(message)).state}


def resume(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """resume and retry: send a job on its way again. Raises UnknownJob, WrongState, Draining."""
    if dispatcher.engine.draining:
        raise Draining
    return {"state": dispatcher.engine.resume(job_id_of(message), message.header.type).state}
