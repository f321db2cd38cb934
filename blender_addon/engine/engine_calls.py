"""What Blender can have its messenger ask the engine: names, and functions of plain values that JSON can carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from restrip.client.job import JobSpec, clip_from_json
from restrip.client.schema import Schema

if TYPE_CHECKING:  # Blender reads this file, too, and needs no sockets for it.
    from restrip.client.client import Client


def settings(client: Client, etag: str) -> dict[str, Any] | None:
    """The engine's settings; None when those named by `etag` are still true."""
    found = client.settings()
    return None if found.etag == etag else schema_json(found)


def schema_json(schema: Schema) -> dict[str, Any]:
    """What `Schema.from_json` reads."""
    return {
        "etag": schema.etag,
        "settings": [setting.to_json() for setting in schema.settings],
        "looks": [dict(look) for look in schema.looks],
        "formats": [dict(kind) for kind in schema.formats],
        "families": [dict(family) for family in schema.families],
    }


def describe(client: Client, etag: str, paths: Sequence[str]) -> dict[str, Any]:
    """The settings as above, and what the media is: {"schema", "media"}."""
    return {"schema": settings(client, etag), "media": client.probe(paths) if paths else {}}


def check(client: Client, spec: Mapping[str, Any]) -> dict[str, Any]:
    """What a job would take."""
    return client.check(JobSpec.from_json(spec))


def submit(client: Client, spec: Mapping[str, Any]) -> dict[str, Any]:
    """Hand a job in."""
    return client.submit(JobSpec.from_json(spec))


def seeds(
    client: Client,
    source: Mapping[str, Any],
    frame: int,
    look: str,
    settings: Mapping[str, Any],
    count: int,
    prompt: str | None = None,
) -> str:
    """Have seeds tried; the id of the job."""
    return client.ask_seeds(clip_from_json(source), frame, look=look, settings=settings, count=count, prompt=prompt)


def suggest(client: Client, source: Mapping[str, Any], count: int) -> str:
    """Have keyframes suggested; the id of the job."""
    return client.ask_suggestions(clip_from_json(source), count=count)


def export_keys(client: Client, source: Mapping[str, Any], frames: Sequence[int], folder: str, **more: Any) -> Any:
    """Have frames written as pictures to paint on."""
    return client.export_keys(clip_from_json(source), frames, folder, **more)


def manifest(client: Client, job_id: str) -> dict[str, Any]:
    """The result of a job, as JSON."""
    content: dict[str, Any] = client.manifest_reply(job_id)["content"]
    return content


LOOK_FILES = ("saved_looks", "save_look", "read_look", "add_look", "remove_look")

PLAIN = ("looks", "models", "model", "cancel", "resume", "retry", "placed", "discard", *LOOK_FILES)
"""What is asked just as `Client` has it."""

OWN: Mapping[str, Callable[..., Any]] = {
    "settings": settings,
    "describe": describe,
    "check": check,
    "submit": submit,
    "seeds": seeds,
    "suggest": suggest,
    "export_keys": export_keys,
    "manifest": manifest,
}


def call(client: Client, name: str, given: Mapping[str, Any]) -> Any:
    """Do one of them. Raises what the client raises."""
    return getattr(client, name)(**given) if name in PLAIN else OWN[name](client, **given)
