"""Requests that a worker answers: what media is, what a job would take, which looks and models there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restrip.client.job import clip_from_json
from restrip.client.messages import BadMessage, Message
from restrip.jobs.model.validation import MOST_FRAMES, MOST_PATH, check_path, read_job
from restrip.remote.peer import linked
from restrip.service.query_queue import Reply
from restrip.service.requests.fields import is_int, source_of, text
from restrip.service.requests.guests import vetted

if TYPE_CHECKING:
    from restrip.service.requests.dispatcher import Dispatcher

MOST_EXPORTED = 10_000


def models(dispatcher: Dispatcher, message: Message, reply: Reply) -> Mapping[str, Any] | None:
    """The checkpoints in a folder, or the one that a look names."""
    if "model" in message.body and not message.guest:
        model = text(message, "model")
        if not model or len(model) > MOST_PATH or "\0" in model:
            raise BadMessage("models needs 'model', what follows sd: in a look's name.")
        dispatcher.engine.questions.ask("models", {"model": model}, reply)
        return None
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


def export_keys(dispatcher: Dispatcher, message: Message, reply: Reply) -> None:
    """Frames as pictures to paint on, into a folder of this computer. Raises BadMessage, BadJob, RelativePath."""
    source, body = source_of(message), message.body
    length = clip_from_json(source).length
    folder, frames, first = text(message, "folder"), body.get("frames"), body.get("first", 0)
    check_path(folder)
    if not isinstance(frames, list) or not 1 <= len(frames) <= MOST_EXPORTED:
        raise BadMessage(f"export_keys needs 'frames', a list of 1 to {MOST_EXPORTED} frames.")
    if not all(is_int(frame) and 0 <= frame < length for frame in frames):
        raise BadMessage(f"export_keys needs frames of the clip: 0 to {length - 1}.")
    if not is_int(first) or not 0 <= int(first) <= MOST_FRAMES:
        raise BadMessage("export_keys' 'first' is the number of the clip's first frame.")
    stream = body.get("stream", 0)
    if not is_int(stream) or int(stream) < 0:
        raise BadMessage("export_keys' 'stream' is the number of a video stream, or 0.")
    wanted = {"source": source, "folder": folder, "frames": frames, "first": first, "stream": stream}
    told = {name: bool(body.get(name, usual)) for name, usual in (("replace", False), ("note", True), ("tell", False))}
    asked = {**wanted, **told, "editor": text(message, "editor")[:100]}
    dispatcher.engine.questions.ask("export_keys", asked, reply)


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
