"""Reading the fields of a request."""

from __future__ import annotations

from typing import Any

from restrip.client.ids import check_job_id
from restrip.client.job import clip_from_json, clip_to_json
from restrip.client.messages import BadMessage, Message
from restrip.jobs.model.validation import check_clip


def job_id_of(message: Message) -> str:
    """The id of the job that a request is about. Raises BadJobId."""
    return check_job_id(message.body.get("job_id"))


def text(message: Message, name: str) -> str:
    """A text, "" when it is missing. Raises BadMessage."""
    value = message.body.get(name, "")
    if not isinstance(value, str):
        raise BadMessage(f"{name} is a text.")
    return value


def source_of(message: Message) -> dict[str, Any]:
    """The clip that a request names, checked. Raises BadJob, RelativePath."""
    source = message.body.get("source")
    clip = clip_from_json(source if isinstance(source, dict) else {})
    check_clip(clip)
    return clip_to_json(clip)


def is_int(value: object) -> bool:
    """Whether a JSON value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def said(value: object) -> str:
    """A value in a message: a number that is a number, of anything else its kind."""
    return str(value) if isinstance(value, int | float) and abs(value) < 10**15 else f"of kind {type(value).__name__}"
