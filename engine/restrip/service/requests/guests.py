"""What a guest, a computer that this engine is shared with, may ask, and the requests that only guests need.

A guest sees its own jobs only, has nothing written outside the engine's folder, and can't stop the engine.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restrip.errors import BadInput
from restrip.jobs.received import BadFile, Offered, Received, ends_sha256
from restrip.jobs.states import WrongState
from restrip.jobs.store import UnknownJob
from restrip.link.ids import check_job_id
from restrip.link.message import Message
from restrip.service.engine import Engine
from restrip.service.questions import Reply

if TYPE_CHECKING:
    from restrip.service.requests.desk import Desk

ALLOWED = frozenset(
    {"hello", "ping", "settings", "looks", "models", "check", "submit", "seeds", "status", "cancel", "resume", "retry"}
    | {"manifest", "placed", "discard", "would_discard", "locate", "offer", "put", "keep", "results", "get"}
)
MOST_BYTES = 512 << 10


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


def locate(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """Whether the path names the same file here: compared by its size and ends."""
    path, ends = Path(_text(message, "path")), _text(message, "ends")
    try:
        return {"same": path.is_absolute() and path.is_file() and ends_sha256(path) == ends}
    except (OSError, ValueError):
        return {"same": False}


def offer(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """Where the file lies when it is here; else how many of its bytes are. Raises BadFile, DiskFull."""
    shelf, file = Received(desk.engine.root), Offered.read(message.body)
    if shelf.has(file):
        return {"path": str(shelf.path(file)), "folder": str(shelf.folder(file)), "offset": file.size}
    return {"path": "", "folder": "", "offset": shelf.offset(file)}


def put(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """The next piece of a file; how many bytes are here now. Raises BadFile."""
    offset = _number(message, "offset")
    try:
        data = base64.b64decode(_text(message, "data"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFile("The piece of a file is no Base64.") from error
    return {"offset": Received(desk.engine.root).add(Offered.read(message.body), offset, data)}


def keep(desk: Desk, message: Message, reply: Reply) -> None:
    """Have the worker see that a file is whole, and put it in place."""
    desk.engine.ask_worker("keep", asdict(Offered.read(message.body)), reply)


def results(desk: Desk, message: Message, reply: Reply) -> None:
    """Have the worker list a finished job's files; `get` then gives them."""
    record = desk.engine.record(check_job_id(message.body.get("job_id")))
    skip = _number(message, "skip")
    if record.state != "done" or record.kind not in ("render", "seeds"):
        raise WrongState(record.job_id, record.state, "show results")

    def open_then_reply(body: Mapping[str, Any]) -> None:
        for file in body.get("files", ()):
            desk.engine.open_results.setdefault(record.job_id, set()).add(file["path"])
        reply(body)

    result = record.result if record.kind == "seeds" else None
    desk.engine.ask_worker("results", {"job_id": record.job_id, "skip": skip, "result": result}, open_then_reply)


def get(desk: Desk, message: Message, reply: Reply) -> dict[str, Any]:
    """A piece of a file that `results` listed. Raises BadFile, UnknownJob."""
    record = desk.engine.record(check_job_id(message.body.get("job_id")))
    path, offset, count = _text(message, "path"), _number(message, "offset"), _number(message, "bytes")
    if path not in desk.engine.open_results.get(record.job_id, ()):
        raise BadFile("That file isn't among the job's results.")
    if not 0 < count <= MOST_BYTES:
        raise BadFile(f"A piece is asked for from an offset, with 1 to {MOST_BYTES} bytes.")
    with open(path, "rb") as file:
        file.seek(offset)
        return {"data": base64.b64encode(file.read(count)).decode()}


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
