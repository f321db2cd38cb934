"""Requests that a worker answers: what media is, what a job would take, which looks and models there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from restrip.jobs.intake import check_path, read_job
from restrip.jobs.remote import linked
from restrip.link.message import BadMessage, Message
from restrip.service.questions import Reply
from restrip.service.requests.fields import text

if TYPE_CHECKING:
    from restrip.service.requests.desk import Desk


def to_worker(desk: Desk, message: Message, reply: Reply) -> None:
    """looks: the worker answers without anything more."""
    desk.engine.ask_worker(message.header.type, {}, reply)


def models(desk: Desk, message: Message, reply: Reply) -> None:
    """The checkpoints in a folder."""
    folder = text(message, "folder")
    check_path(folder)
    _ask_where_jobs_are_done(desk, "models", {"folder": folder}, reply)


def probe(desk: Desk, message: Message, reply: Reply) -> None:
    """What a media file is."""
    paths = message.body.get("paths")
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise BadMessage("probe needs 'paths', a list of file names.")
    for path in paths:
        check_path(path)
    desk.engine.ask_worker("probe", {"paths": paths}, reply)


def check(desk: Desk, message: Message, reply: Reply) -> None:
    """What a job would take."""
    spec = read_job(message.body)
    _ask_where_jobs_are_done(desk, "check", {"job": spec.to_json()}, reply)


def _ask_where_jobs_are_done(desk: Desk, kind: str, body: Mapping[str, Any], reply: Reply) -> None:
    """Let the light worker answer, or when jobs go to another computer that one's engine."""
    if linked(desk.engine.root) is None:
        desk.engine.ask_worker(kind, body, reply)
    else:
        desk.engine.ask_worker("ask_elsewhere", {"type": kind, "body": body}, reply)
