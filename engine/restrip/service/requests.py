"""What each request does. A handler gets the engine and the request and returns the reply's body, or None when the
reply comes later. Specified in docs/protocol.md.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from restrip import __version__
from restrip.errors import BadInput, RestripError
from restrip.jobs import states
from restrip.jobs.files import canonical, file_sha256, read_json
from restrip.jobs.intake import StaleSettings, check_clip, check_look, check_path, read_job
from restrip.jobs.remote import linked
from restrip.jobs.schema import schema
from restrip.jobs.states import WrongState
from restrip.jobs.store import JobConflict, JobLost, Record
from restrip.link import discovery
from restrip.link.ids import check_job_id, new_job_id
from restrip.link.job import BadJob, clip_from_json
from restrip.link.message import MAX_BYTES, PROTOCOL, REQUESTS, BadMessage, Message, ProtocolMismatch, major
from restrip.service import guests, links
from restrip.service.engine import Engine, Reply
from restrip.service.log import say
from restrip.service.reports import FAULTS
from restrip.service.share import Share

FEATURES = ("seeds", "suggest", "placed", "blobs", "cache", "models")
MOST_LISTED = 1000
MOST_SEEDS = 100
FORGET_CLIENT_S = 3600.0


class UnknownType(BadInput):
    """A request that this engine has no answer to."""

    code = "unknown-type"

    def __init__(self, kind: str) -> None:
        super().__init__(f"There is no request {kind[:40]!r}.", f"Requests are {', '.join(REQUESTS)}.", type=kind[:40])


class OtherEngine(BadInput):
    """A request meant for another engine than this one."""

    code = "other-engine"

    def __init__(self, meant: str) -> None:
        super().__init__("Another engine was meant.", "Read engine.json again.", meant=meant)


class Draining(RestripError):
    """The engine is about to end and takes no new jobs."""

    code = "draining"

    def __init__(self) -> None:
        super().__init__(
            "The engine finishes its jobs and ends.", "Try again in a moment: a new engine is then started."
        )


class Busy(RestripError):
    """The engine was asked to end only if idle, and isn't."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("A job is running.", "Wait for it, cancel it, or ask the engine to drain.")


class AlreadyPlaced(BadInput):
    """Another front-end placed the job's strips."""

    code = "already-placed"

    def __init__(self, by: str) -> None:
        super().__init__(f"The strips were placed by {by}.", "Place them again only if you want them twice.", by=by)


class GuestDoor(Protocol):
    """The part of the server that lets guests in."""

    share: Share | None

    def open_to_guests(self, share: Share | None) -> Share | None:
        """Listen for guests, or no longer."""

    def know_guests(self, share: Share) -> None:
        """Let in whom it names."""


@dataclass
class Desk:
    """Where requests are answered. `quitting` is set when the engine is to end; `clients` are the sessions seen.

    `door` lets guests in.
    """

    engine: Engine
    engine_id: str
    quitting: bool = False
    started: float = field(default_factory=time.time)
    door: GuestDoor | None = None
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, message: Message, reply: Reply) -> None:
        """Answer a request, now or later."""
        try:
            body = self._handle(message, reply)
        except RestripError as error:
            reply({"ok": False, **error.to_wire()})
        except OSError as error:
            reply({"ok": False, **DiskTrouble(error).to_wire()})
        except FAULTS as error:
            trace = "".join(traceback.format_tb(error.__traceback__))
            say("request not understood", level=logging.ERROR, error=type(error).__name__, trace=trace)
            reply({"ok": False, **Mistake(message.header.type).to_wire()})
        else:
            if body is not None:
                reply({"ok": True, **body})

    def forget_old_clients(self) -> None:
        """Sessions that said nothing for long are no clients any more."""
        for session in [s for s, c in self.clients.items() if time.time() - c["seen"] > FORGET_CLIENT_S]:
            del self.clients[session]

    def _handle(self, message: Message, reply: Reply) -> Mapping[str, Any] | None:
        header, body = message.header, message.body
        theirs = str(body.get("protocol", header.v)) if header.type == "hello" else header.v
        if major(theirs) != major(PROTOCOL) and header.type not in ("quit", "drain", "ping"):
            raise ProtocolMismatch(theirs[:20], PROTOCOL, self.engine.busy)
        if header.engine_id and header.engine_id != self.engine_id:
            raise OtherEngine(header.engine_id)
        handler = _HANDLERS.get(header.type)
        if handler is None:
            raise UnknownType(header.type)
        guests.admit(self.engine, message)
        client = self.clients.setdefault(header.session, {"client": "", "project": ""})
        client["seen"] = time.time()
        return handler(self, message, reply)


class Mistake(RestripError):
    """A fault of the engine's own code, met while it answered."""

    code = "internal-error"

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"The engine made a mistake while it answered {kind[:40]!r}. It goes on.",
            "'restrip doctor --bundle FILE' packs what is needed to report it.",
        )


class DiskTrouble(RestripError):
    """The engine's own folder can't be read or written."""

    code = "disk"

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"The engine's folder can't be used: {error.strerror or error}.",
            f"Make room or rights in {discovery.state_dir()}.",
        )


def _hello(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    client = desk.clients[message.header.session]
    client.update(client=_text(message, "client")[:100], project=_text(message, "project")[:1000])
    return {
        "protocol": PROTOCOL,
        "engine_version": __version__,
        "engine_id": desk.engine_id,
        "features": list(FEATURES),
        "settings_etag": schema()["etag"],
        "gpu": desk.engine.worker_facts.get("gpu"),
        "busy": desk.engine.busy,
        "pid": os.getpid(),
    }


def _settings(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    body = schema()
    if message.body.get("etag") == body["etag"]:
        return {"same": True, "etag": body["etag"]}
    return body


def _to_worker(desk: Desk, message: Message, reply: Reply) -> None:
    """looks: the worker answers without anything more."""
    desk.engine.ask_worker(message.header.type, {}, reply)


def _models(desk: Desk, message: Message, reply: Reply) -> None:
    folder = _text(message, "folder")
    check_path(folder)
    _ask_where_jobs_are_done(desk, "models", {"folder": folder}, reply)


def _probe(desk: Desk, message: Message, reply: Reply) -> None:
    paths = message.body.get("paths")
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise BadMessage("probe needs 'paths', a list of file names.")
    for path in paths:
        check_path(path)
    desk.engine.ask_worker("probe", {"paths": paths}, reply)


def _check(desk: Desk, message: Message, reply: Reply) -> None:
    spec = read_job(message.body)
    _ask_where_jobs_are_done(desk, "check", {"job": spec.to_json()}, reply)


def _ask_where_jobs_are_done(desk: Desk, kind: str, body: Mapping[str, Any], reply: Reply) -> None:
    """Let the light worker answer, or when jobs go to another computer that one's engine."""
    if linked(desk.engine.root) is None:
        desk.engine.ask_worker(kind, body, reply)
    else:
        desk.engine.ask_worker("ask_elsewhere", {"type": kind, "body": body}, reply)


def _submit(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    engine = desk.engine
    job_id = check_job_id(message.body.get("job_id"))
    known = engine.records.get(job_id)
    if known is None and engine.draining:
        raise Draining
    spec = read_job(message.body)
    job = {"kind": "render", **spec.to_json()}
    if known is not None:
        if canonical(engine.store.job(job_id)) != canonical(job):
            raise JobConflict(job_id)
        return {"accepted": True, "job_id": job_id, "state": known.state, "position": 0}
    etag = message.body.get("settings_etag")
    if etag is not None and etag != schema()["etag"]:
        raise StaleSettings
    record = Record(
        job_id,
        project=spec.project,
        session=message.header.session,
        name=spec.clip.name or os.path.basename(spec.clip.paths[0]),
        created=time.time(),
        priority=spec.priority,
        delivered=bool(spec.output.folder),
        guest=message.guest,
    )
    return {"accepted": True, "job_id": job_id, "state": "queued", "position": engine.accept(record, job)}


def _interactive(desk: Desk, message: Message, job: dict[str, Any]) -> dict[str, Any]:
    """Accept a job of a kind that goes before renders."""
    if desk.engine.draining:
        raise Draining
    clip = clip_from_json(job["source"])
    record = Record(
        new_job_id(),
        kind=job["kind"],
        project=_text(message, "project")[:1000],
        session=message.header.session,
        name=clip.name or os.path.basename(clip.paths[0]),
        created=time.time(),
        guest=message.guest,
    )
    desk.engine.accept(record, job)
    return {"job_id": record.job_id}


def _source(message: Message) -> dict[str, Any]:
    source = message.body.get("source")
    try:
        check_clip(clip_from_json(source if isinstance(source, dict) else {}))
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, OverflowError) as error:
        raise BadJob(f"The source can't be read: {error}.", "See docs/protocol.md, 'A job'.") from error
    assert isinstance(source, dict)
    return source


def _seeds(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    source, body = _source(message), message.body
    look, frame, count, prompt = body.get("look"), body.get("frame"), body.get("n", 9), body.get("prompt")
    if not isinstance(look, dict) or not isinstance(look.get("settings", {}), dict):
        raise BadJob("seeds needs a look: {name, settings}.")
    name, settings = str(look.get("name", "")), look.get("settings", {})
    check_look(name, settings)
    if not _is_int(frame) or not 0 <= int(frame or 0) < clip_from_json(source).length:
        raise BadJob(f"Frame {str(frame)[:40]} lies outside the clip.", "Give a frame of the clip.")
    if not _is_int(count) or not 1 <= count <= MOST_SEEDS:
        raise BadJob(f"{str(count)[:40]} seeds can't be tried.", f"Ask for 1 to {MOST_SEEDS}.")
    if prompt is not None and not isinstance(prompt, str):
        raise BadJob("The prompt is no text.")
    job = {"kind": "seeds", "source": source, "frame": frame, "n": count, "prompt": prompt}
    return _interactive(desk, message, {**job, "look": {"name": name, "settings": settings}})


def _suggest(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    source, count, error = _source(message), message.body.get("count"), message.body.get("error")
    by_count = _is_int(count) and error is None and 1 <= int(count or 0) <= 10_000
    by_error = count is None and isinstance(error, int | float) and not isinstance(error, bool) and error > 0
    if not by_count and not by_error:
        raise BadJob("suggest needs how many keys (count) or an error that they may leave (error).")
    return _interactive(desk, message, {"kind": "suggest", "source": source, "count": count, "error": error})


def _status(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    return desk.engine.status(_job_id(message)).to_json()


def _jobs(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    body = message.body
    project = body.get("project", desk.clients[message.header.session]["project"] or "*")
    wanted, beginning = body.get("states"), body.get("beginning", "")
    limit, skip = body.get("limit", 100), body.get("skip", 0)
    if not (_is_int(limit) and _is_int(skip) and limit >= 0 and skip >= 0 and isinstance(beginning, str)):
        raise BadMessage("limit and skip are numbers from 0, beginning is a text.")
    if wanted is not None and not (isinstance(wanted, list) and all(isinstance(state, str) for state in wanted)):
        raise BadMessage("states is a list of states.")
    found = [
        record
        for record in desk.engine.records.values()
        if (project == "*" or record.project == project)
        and (wanted is None or record.state in wanted)
        and record.job_id.startswith(beginning)
    ]
    found.sort(key=lambda record: (record.created, record.job_id), reverse=True)
    listed: list[dict[str, Any]] = []
    size = 0
    for record in found[skip : skip + min(limit, MOST_LISTED)]:
        job = desk.engine.status(record.job_id).to_json()
        size += len(canonical(job))
        if size > MAX_BYTES // 2 and listed:
            break
        listed.append(job)
    return {"jobs": listed, "more": skip + len(listed) < len(found)}


def _cancel(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    return {"state": desk.engine.cancel(_job_id(message)).state}


def _resume(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    if desk.engine.draining:
        raise Draining
    return {"state": desk.engine.resume(_job_id(message), message.header.type).state}


def _manifest(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    record = desk.engine.record(_job_id(message))
    if record.state != "done" or record.kind != "render":
        raise WrongState(record.job_id, record.state, "show a manifest")
    path = desk.engine.store.folder(record.job_id) / "manifest.json"
    content = read_json(path)
    if content is None:
        raise JobLost(path)
    small = path.stat().st_size < MAX_BYTES * 3 // 4
    return {"path": str(path), "sha256": file_sha256(path), "content": content if small else None}


def _placed(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    record = desk.engine.record(_job_id(message))
    by, strips = _text(message, "by")[:200], message.body.get("strips", [])
    if not by or not isinstance(strips, list) or not all(isinstance(strip, str) for strip in strips):
        raise BadMessage("placed needs who placed it (by) and a list of names (strips).")
    if record.state != "done":
        raise WrongState(record.job_id, record.state, "be placed")
    if record.placed_by and record.placed_by != by:
        raise AlreadyPlaced(record.placed_by)
    desk.engine.amend(record.job_id, placed_by=by, placed=tuple(strips))
    return {}


def _discard(desk: Desk, message: Message, reply: Reply) -> None:
    """discard and would_discard: the worker looks which cached parts nobody else uses."""
    engine = desk.engine
    record = engine.record(_job_id(message))
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
    engine.ask_worker("discard", body, forget_then_reply)


def _cache(desk: Desk, message: Message, reply: Reply) -> None:
    prune = message.body.get("prune_mib")
    if prune is not None and (not isinstance(prune, int | float) or isinstance(prune, bool) or prune < 0):
        raise BadMessage("prune_mib is a number from 0.")
    engine = desk.engine
    body = {"prune_mib": prune, "limit_mib": engine.limits.cache_mib, "protected_jobs": engine.unplaced()}
    engine.ask_worker("cache", body, reply)


def _ping(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    return {"engine_id": desk.engine_id, "pid": os.getpid(), "engine_version": __version__, "busy": desk.engine.busy}


def _engine_status(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    engine, now = desk.engine, time.time()
    counts = {state: sum(r.state == state for r in engine.records.values()) for state in states.STATES}
    clients = [
        {"client": c["client"], "project": c["project"], "seen_s": round(now - c["seen"], 1)}
        for c in desk.clients.values()
        if now - c["seen"] < 120
    ]
    return {
        "engine_version": __version__,
        "protocol": PROTOCOL,
        "pid": os.getpid(),
        "up_s": round(now - desk.started, 1),
        "draining": engine.draining,
        "jobs": {state: count for state, count in counts.items() if count},
        "running": [r.job_id for r in engine.records.values() if r.state in states.AT_WORK],
        "workers": {
            name: {
                "running": slot.worker is not None,
                "task": slot.task.kind if slot.task else "",
                "phase": slot.phase if slot.task else "",
                "loaded": slot.loaded,
            }
            for name, slot in engine.crew.slots.items()
        },
        "executor": dict(engine.crew.executor.facts()),
        "memory_mib": _own_memory_mib(),
        "worker_facts": engine.worker_facts,
        "clients": clients,
        "state_dir": str(engine.root),
    }


def _free_gpu(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    desk.engine.free_gpu()
    return {"busy": desk.engine.busy}


def _drain(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    desk.engine.drain()
    return {"busy": desk.engine.busy}


def _quit(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    if message.body.get("if_idle") and desk.engine.busy:
        raise Busy
    desk.quitting = True
    return {"busy": desk.engine.busy}


def _log_tail(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    lines = message.body.get("lines", 50)
    if not _is_int(lines) or not 1 <= lines <= 1000:
        raise BadMessage("lines is a number from 1 to 1000.")
    return {"lines": [line[:2000] for line in discovery.log_tail(lines)][-400:]}


Handler = Callable[[Desk, Message, Reply], Mapping[str, Any] | None]

_HANDLERS: dict[str, Handler] = {
    "hello": _hello,
    "settings": _settings,
    "looks": _to_worker,
    "models": _models,
    "probe": _probe,
    "check": _check,
    "submit": _submit,
    "seeds": _seeds,
    "suggest": _suggest,
    "status": _status,
    "jobs": _jobs,
    "cancel": _cancel,
    "resume": _resume,
    "retry": _resume,
    "manifest": _manifest,
    "placed": _placed,
    "discard": _discard,
    "would_discard": _discard,
    "cache": _cache,
    "ping": _ping,
    "engine_status": _engine_status,
    "free_gpu": _free_gpu,
    "drain": _drain,
    "quit": _quit,
    "log_tail": _log_tail,
    "links": links.links,
    "share": links.share,
    "allow": links.allow,
    "link": links.link,
    "locate": guests.locate,
    "offer": guests.offer,
    "put": guests.put,
    "keep": guests.keep,
    "results": guests.results,
    "get": guests.get,
}
assert set(_HANDLERS) == set(REQUESTS)


def _job_id(message: Message) -> str:
    return check_job_id(message.body.get("job_id"))


def _text(message: Message, name: str) -> str:
    value = message.body.get(name, "")
    if not isinstance(value, str):
        raise BadMessage(f"{name} is a text.")
    return value


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _own_memory_mib() -> int | None:
    """Resident memory of the supervisor; None where the system doesn't say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, ValueError, IndexError):
        return None
