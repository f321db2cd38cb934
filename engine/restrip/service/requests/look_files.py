"""Requests about looks: the built-in ones, and the user's own files. A worker does what they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from restrip.client.messages import BadMessage, Message
from restrip.jobs.model.states import WrongState
from restrip.jobs.model.validation import MOST_PATH, check_path
from restrip.remote.peer import linked
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import is_int, job_id_of, text

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher


def looks(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """The built-in looks; to the owner the saved ones, too."""
    dispatcher.engine.questions.ask("looks", {"saved": not message.guest}, reply, message.guest)


def save_look(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """A look file of a finished job. Raises UnknownJob, WrongState."""
    record = dispatcher.engine.record(job_id_of(message))
    if record.state != "done" or record.kind != "render":
        raise WrongState(record.job_id, record.state, "give its look")
    key = message.body.get("key")
    if key is not None and not is_int(key):
        raise BadMessage("key is the frame of one of the job's keys, or null.")
    asked = {"job_id": record.job_id, "name": _name(message, "name"), "key": key, "replace": _truth(message, "replace")}
    dispatcher.engine.questions.ask("save_look", asked, reply)


def read_look(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """What is in a look file, and what a job says to use it."""
    there = linked(dispatcher.engine.root) is not None
    asked = {"look": _name(message, "look"), "use": _truth(message, "use"), "linked": there}
    dispatcher.engine.questions.ask("read_look", asked, reply)


def add_look(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Put a look file among the saved ones. Raises RelativePath."""
    path = text(message, "path")
    check_path(path)
    asked = {"path": path, "name": text(message, "name")[:MOST_PATH], "replace": _truth(message, "replace")}
    dispatcher.engine.questions.ask("add_look", asked, reply)


def remove_look(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Delete a saved look."""
    dispatcher.engine.questions.ask("remove_look", {"name": _name(message, "name")}, reply)


def _name(message: Message, field: str) -> str:
    found = text(message, field)
    if not 0 < len(found) <= MOST_PATH or "\0" in found:
        raise BadMessage(f"{message.header.type} needs {field!r}, a look's name.")
    return found


def _truth(message: Message, field: str) -> bool:
    return bool(message.body.get(field))
