"""Requests about what jobs left: manifests, placing, discarding, the cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from restrip.client.messages import MAX_BYTES, BadMessage, Message
from restrip.client.preferences import is_size
from restrip.jobs.model import states
from restrip.jobs.model.states import WrongState
from restrip.jobs.model.store import JobLost
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import job_id_of, text
from restrip.service.requests.refusals import AlreadyPlaced, DiskTrouble
from restrip.storage.json_files import file_sha256, read_json

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher


def manifest(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """The result of a job that is done. Raises UnknownJob, WrongState, JobLost."""
    record = dispatcher.engine.record(job_id_of(message))
    if record.state != "done" or record.kind != "render":
        raise WrongState(record.job_id, record.state, "show a manifest")
    path = dispatcher.engine.store.folder(record.job_id) / "manifest.json"
    content = read_json(path)
    if content is None:
        raise JobLost(path)
    small = path.stat().st_size < MAX_BYTES * 3 // 4
    return {"path": str(path), "sha256": file_sha256(path), "content": content if small else None}


def placed(dispatcher: Dispatcher, message: Message, reply: Reply) -> dict[str, Any]:
    """Note who placed a job that is done. Raises AlreadyPlaced, UnknownJob, WrongState."""
    record = dispatcher.engine.record(job_id_of(message))
    by, strips = text(message, "by")[:200], message.body.get("strips", [])
    if not by or not isinstance(strips, list) or not all(isinstance(strip, str) for strip in strips):
        raise BadMessage("placed needs who placed it (by) and a list of names (strips).")
    if record.state != "done":
        raise WrongState(record.job_id, record.state, "be placed")
    if record.placed_by and record.placed_by != by:
        raise AlreadyPlaced(record.placed_by)
    dispatcher.engine.amend(record.job_id, placed_by=by, placed=tuple(strips))
    return {}


def discard(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """discard and would_discard: the worker finds the cached files that no other job uses."""
    engine = dispatcher.engine
    record = engine.record(job_id_of(message))
    if record.state in states.ACTIVE:
        raise WrongState(record.job_id, record.state, "be discarded")
    really = message.header.type == "discard"
    others = [job_id for job_id in engine.records if job_id != record.job_id]

    def forget_then_reply(body: Mapping[str, Any]) -> None:
        try:
            if body.get("ok") and really:
                engine.forget(record.job_id)
        except OSError as error:
            body = {"ok": False, **DiskTrouble(error).to_wire()}
        reply(body)

    body = {"job_id": record.job_id, "others": others, "really": really}
    engine.questions.ask("discard", body, forget_then_reply)


def cache(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """How large the cache is and may be; with numbers of MiB make room, or set how large it may be."""
    prune, limit, engine = message.body.get("prune_mib"), message.body.get("limit_mib"), dispatcher.engine
    for name, given in (("prune_mib", prune), ("limit_mib", limit)):
        if given is not None and not is_size(given):
            raise BadMessage(f"{name} is a number of MiB, from 0.")
    if limit is not None:
        engine.prefer(replace(engine.preferences, cache_mib=float(limit)))
        prune = limit if prune is None else min(prune, limit)
    body = {"prune_mib": prune, "limit_mib": engine.preferences.cache_mib, "protected_jobs": engine.unplaced()}
    engine.questions.ask("cache", body, reply)
