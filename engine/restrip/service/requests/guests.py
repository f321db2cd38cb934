"""What a guest, a computer that this engine is shared with, may ask, and the requests that only guests need.

A guest sees its own jobs only, names its own files only, has nothing written outside the engine's folder, and can't
stop the engine. `message.guest` is its grant.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from restrip import codec
from restrip.client.ids import check_job_id
from restrip.client.messages import Message
from restrip.errors import BadInput, RestripError
from restrip.jobs.model.states import WrongState
from restrip.jobs.model.store import Record, UnknownJob
from restrip.remote.upload_store import BadFile, OfferedFile, UploadStore
from restrip.service.engine import Engine
from restrip.service.guest_quota import GuestFull
from restrip.service.query_queue import Reply
from restrip.service.workers.errors import TooManyQuestions

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher

ALLOWED = frozenset(
    {"hello", "ping", "settings", "looks", "models", "check", "submit", "seeds", "status", "cancel", "resume", "retry"}
    | {"manifest", "placed", "discard", "would_discard", "locate", "offer", "put", "keep", "results", "get"}
)
MOST_BYTES = 512 << 10
MOST_JOBS = 200
"""Of one guest, at work or waiting."""
Answer = Mapping[str, Any] | None


class NotForGuests(BadInput):
    """Something that only the computer may ask on which the engine runs."""

    code = "not-for-guests"

    def __init__(self, what: str) -> None:
        super().__init__(f"A linked computer can't ask for {what[:40]!r}.", "Do it on the computer with the engine.")


def admit(engine: Engine, message: Message) -> None:
    """Raise NotForGuests or UnknownJob for what a guest may not ask; others may ask everything."""
    if not message.guest:
        return
    kind, body = message.header.type, message.body
    if kind not in ALLOWED:
        raise NotForGuests(kind)
    job_id = body.get("job_id")
    known = engine.records.get(job_id) if isinstance(job_id, str) else None
    if known is not None and known.guest != message.guest:
        raise UnknownJob(str(job_id))
    output = body.get("output") if kind in ("submit", "check") else None
    if isinstance(output, Mapping) and any(output.get(name) for name in ("folder", "otio", "sheet")):
        raise NotForGuests("output")


def locate(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Whether the path names the same file here: compared by its size and ends, by a worker that may be ended."""

    def tell(body: Mapping[str, Any]) -> None:
        reply(body if body.get("ok") or body.get("code") == TooManyQuestions.code else {"ok": True, "same": False})

    asked = {"path": _text(message, "path"), "ends": _text(message, "ends"), "guest": message.guest}
    dispatcher.engine.questions.ask("locate", asked, tell, message.guest)


def offer(dispatcher: Dispatcher, message: Message, reply: Reply) -> Answer:
    """Where the file lies when this guest sent it before; else how many of its bytes are here.

    Raises BadFile, DiskFull, GuestFull.
    """
    file = OfferedFile.read(message.body)
    store, quota = UploadStore(dispatcher.engine.root, message.guest), dispatcher.engine.quota

    def answer() -> dict[str, Any]:
        if store.has(file):
            return {"path": str(store.path(file)), "folder": str(store.folder(file)), "offset": file.size}
        quota.check(message.guest, store, file)
        return {"path": "", "folder": "", "offset": store.offset(file)}

    def answer_or_make_room() -> dict[str, Any] | None:
        try:
            return answer()
        except GuestFull:
            unfinished = [
                r.job_id for r in dispatcher.engine.records.values() if r.guest == message.guest and _pends(r)
            ]
            asked = {"shelf": store.name, "jobs": unfinished, "leave": quota.leave(message.guest, file)}
            dispatcher.engine.questions.ask(
                "make_room", asked, _then(dispatcher, message, answer, reply), message.guest
            )
            return None

    return _measured(dispatcher, message, answer_or_make_room, reply)


def put(dispatcher: Dispatcher, message: Message, reply: Reply) -> Answer:
    """The next chunk of a file; how many bytes are here now. Raises BadFile, DiskFull, GuestFull."""
    offset = _number(message, "offset")
    try:
        data = base64.b64decode(_text(message, "data"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFile("The piece of a file is no Base64.") from error
    file = OfferedFile.read(message.body)
    store, quota = UploadStore(dispatcher.engine.root, message.guest), dispatcher.engine.quota

    def add() -> dict[str, Any]:
        # Asked or not: what has no room isn't taken.
        quota.check(message.guest, store, file)
        new, before = not store.begun(file), store.there(file)
        after = store.add(file, offset, data)
        if new or after != before:
            quota.grew(message.guest, before, after, new)
        return {"offset": after}

    return _measured(dispatcher, message, add, reply)


def keep(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Have a worker see that a file is whole, and put it in place."""

    def tell(body: Mapping[str, Any]) -> None:
        if not body.get("ok"):
            dispatcher.engine.quota.begin_anew(message.guest)
        reply(body)

    asked = {"file": codec.write(OfferedFile.read(message.body)), "guest": message.guest}
    dispatcher.engine.questions.ask("keep", asked, tell, message.guest)


def results(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Have the worker list a finished job's files; `get` then gives them."""
    record = dispatcher.engine.record(check_job_id(message.body.get("job_id")))
    skip = _number(message, "skip")
    if record.state != "done" or record.kind not in ("render", "seeds"):
        raise WrongState(record.job_id, record.state, "show results")

    def open_then_reply(body: Mapping[str, Any]) -> None:
        for file in body.get("files", ()):
            dispatcher.engine.open_results.setdefault(record.job_id, set()).add(file["path"])
        reply(body)

    result = record.result if record.kind == "seeds" else None
    asked = {"job_id": record.job_id, "skip": skip, "result": result}
    dispatcher.engine.questions.ask("results", asked, open_then_reply, message.guest)


def get(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Have a worker read a chunk of a file that `results` listed: it may lie on a drive that doesn't answer.

    Raises BadFile, UnknownJob.
    """
    record = dispatcher.engine.record(check_job_id(message.body.get("job_id")))
    path, offset, count = _text(message, "path"), _number(message, "offset"), _number(message, "bytes")
    if path not in dispatcher.engine.open_results.get(record.job_id, ()):
        raise BadFile("That file isn't among the job's results.")
    if not 0 < count <= MOST_BYTES:
        raise BadFile(f"A piece is asked for from an offset, with 1 to {MOST_BYTES} bytes.")
    asked = {"path": path, "offset": offset, "bytes": count}
    dispatcher.engine.questions.ask("get", asked, reply, message.guest)


class TooManyJobs(RestripError):
    """A guest has more unfinished jobs than one guest may have."""

    code = "too-many-jobs"

    def __init__(self) -> None:
        super().__init__(
            f"{MOST_JOBS} jobs of this computer wait already.", "Wait for some of them, or cancel them, then try again."
        )


def vetted(
    dispatcher: Dispatcher, message: Message, job: Mapping[str, Any], then: Callable[[], Answer], reply: Reply
) -> Answer:
    """What `then` does, at once for the owner; for a guest when a worker saw that it may name all that `job` names."""
    if not message.guest:
        return then()
    if message.header.type in ("submit", "seeds") and len(dispatcher.engine.jobs_of(message.guest)) >= MOST_JOBS:
        raise TooManyJobs
    asked = {"guest": message.guest, "job": dict(job)}
    dispatcher.engine.questions.ask("vet", asked, _then(dispatcher, message, then, reply), message.guest)
    return None


def _measured(dispatcher: Dispatcher, message: Message, then: Callable[[], Answer], reply: Reply) -> Answer:
    """What `then` does, when it is known how much the guest has stored."""
    asked = dispatcher.engine.quota.unknown(message.guest)
    if asked is None:
        return then()
    dispatcher.engine.questions.ask("measure_shelves", asked, _then(dispatcher, message, then, reply), message.guest)
    return None


def _then(dispatcher: Dispatcher, message: Message, work: Callable[[], Answer], reply: Reply) -> Reply:
    """What is done when a worker has answered: `work`, unless it failed."""

    def go_on(body: Mapping[str, Any]) -> None:
        if not body.get("ok"):
            reply(body)
            return
        if "used" in body:
            dispatcher.engine.quota.measured(body)
        dispatcher.answer_by(message.header.type, work, reply)

    return go_on


def _pends(record: Record) -> bool:
    return record.state not in ("done", "cancelled")


def _text(message: Message, name: str) -> str:
    value = message.body.get(name)
    if not isinstance(value, str):
        raise BadFile(f"{name} is a text.")
    return value


def _number(message: Message, name: str) -> int:
    value = message.body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadFile(f"{name} is a number from 0.")
    return value
