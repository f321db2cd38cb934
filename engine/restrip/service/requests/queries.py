"""Requests that a worker answers: what media is, what a job would take, which looks and models there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restrip.client.messages import BadMessage, Message
from restrip.jobs.model.validation import check_path, read_job
from restrip.remote.peer import linked
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import text
from restrip.service.requests.guests import vetted

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher


def to_worker(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """looks: the worker answers without anything more."""
    dispatcher.engine.questions.ask(message.header.type, {}, reply, message.guest)


def models(dispatcher: Dispatcher, message: Message, reply: Reply) -> Mapping[str, Any] | None:
    """The checkpoints in a folder."""
    folder = text(message, "folder")
    check_path(folder)
    return _ask_where_jobs_are_done(dispatcher, message, {"folder": folder}, {"folder": folder}, reply)


def probe(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """What a media file is."""
    paths = message.body.get("paths")
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise BadMessage("probe needs 'paths', a list of file names.")
    for path in paths:
        check_path(path)
    stream = message.body.get("stream", 0)
    if not isinstance(stream, int) or stream < 0:
        raise BadMessage("probe's 'stream' is the number of a video stream, or 0.")
    tell = bool(message.body.get("tell"))
    dispatcher.engine.questions.ask("probe", {"paths": paths, "stream": stream, "tell": tell}, reply)


def check(dispatcher: Dispatcher, message: Message, reply: Reply) -> Mapping[str, Any] | None:
    """What a job would take."""
    job = read_job(message.body).to_json()
    cluster = {"cluster": True} if dispatcher.engine.pool.executor.name != "local" and not message.guest else {}
    return _ask_where_jobs_are_done(dispatcher, message, {"job": job, **cluster}, job, reply)


def _ask_where_jobs_are_done(
    dispatcher: Dispatcher, message: Message, body: Mapping[str, Any], named: Mapping[str, Any], reply: Reply
) -> Mapping[str, Any] | None:
    """Let a light worker answer, or when jobs go to another computer that one's engine; a guest names what it may."""
    kind = message.header.type

    def ask() -> None:
        if linked(dispatcher.engine.root) is None or message.guest:
            dispatcher.engine.questions.ask(kind, body, reply, message.guest)
        else:
            dispatcher.engine.questions.ask("ask_elsewhere", {"type": kind, "body": body}, reply)

    return vetted(dispatcher, message, named, ask, reply)
