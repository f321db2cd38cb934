"""`restrip full`: a draft rendered in full, with its keys, prompts and seeds."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.jobs import whole_id
from restrip.cli.render import say_what_travels, sentences
from restrip.cli.terminal import Terminal
from restrip.client.client import Client
from restrip.client.draft import full_job
from restrip.client.ids import new_job_id
from restrip.client.job import BadJob, Manifest
from restrip.request import finished


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "full",
        help="render a draft in full",
        description="Render a draft in full: the same keys, prompts, seeds and settings. Its strips go into the "
        "draft's folder unless it is told otherwise, and timelines that were asked for are written anew.",
    )
    parser.add_argument("draft", metavar="DRAFT", help="the draft's job id, or its beginning, or its manifest.json")
    parser.add_argument("--out", metavar="DIR", default="", help="another folder than the draft's")
    parser.add_argument("--detach", action="store_true", help="submit, print the job's id, and don't wait")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Submit, show the progress, name what was written."""
    with shared.open_client() as client:
        spec = full_job(_manifest(client, options.draft), new_job_id())
        if options.out:
            spec = replace(spec, output=replace(spec.output, folder=str(Path(options.out).absolute())))
        say_what_travels(client, spec, terminal)
        client.submit(spec)
        if options.detach:
            terminal.result({"job_id": spec.job_id}, f"Job {spec.job_id} is queued: `restrip status {spec.job_id}`.")
            return
        with terminal.progress() as show:
            manifest = finished(client, spec.job_id, show)
    terminal.result(manifest.to_json(), *sentences(manifest))


def _manifest(client: Client, draft: str) -> Manifest:
    """The manifest that was named by its file, or by its job. Raises BadJob, UnknownJobPrefix, and what jobs raise."""
    path = Path(draft)
    if not path.is_file():
        return client.manifest(whole_id(client, draft))
    try:
        body = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadJob(f"{path} can't be read: {error}.", "Give the manifest.json of a draft, or its job's id.") from None
    if not isinstance(body, dict):
        raise BadJob(f"{path} is no manifest.", "Give the manifest.json of a draft, or its job's id.")
    return Manifest.from_json(body)
