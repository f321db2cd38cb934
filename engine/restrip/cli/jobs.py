"""`restrip jobs`, `status`, `cancel`, `resume`, `retry`, `full`, `manifest`, `discard`, `submit`: the engine's jobs."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.render import carry_out, sentences, show_result
from restrip.cli.terminal import Terminal, duration
from restrip.cli.web_page import command as web
from restrip.client.client import Client
from restrip.client.draft import full_job
from restrip.client.ids import new_job_id, short_id
from restrip.client.job import BadJob, JobSpec, Manifest
from restrip.client.status import JobStatus
from restrip.storage.texts import json_of, read_json, words
from restrip.storage.typed_paths import typed_path


def add(commands: Any) -> None:
    """Describe the commands."""
    everything = commands.add_parser("jobs", help="all jobs, newest first")
    everything.add_argument("--limit", type=int, default=20, metavar="N")
    shared.add_json(everything)
    everything.set_defaults(run=show_jobs)
    described = {
        "status": ("how far a job is", show_status),
        "cancel": ("stop a job; what is finished is kept", cancel),
        "resume": ("go on with a cancelled or interrupted job, and wait for it", resume),
        "retry": ("try a failed job again, and wait for it", resume),
        "manifest": ("a finished job's manifest", show_manifest),
        "discard": ("delete what a job rendered; says first what that is", discard),
    }
    for name, (help_text, run) in described.items():
        parser = commands.add_parser(name, help=help_text)
        if name == "status":
            parser.add_argument("job_id", metavar="ID", nargs="?", default="", help="the job's id, or its beginning")
            web.add_options(parser)
        else:
            parser.add_argument("job_id", metavar="ID", help="the job's id, or its beginning")
        if name == "discard":
            parser.add_argument(
                "--yes", action="store_true", help="delete; without it only what would be deleted is said"
            )
        shared.add_json(parser)
        parser.set_defaults(run=run, verb=name)
    full = commands.add_parser(
        "full",
        help="render a draft in full",
        description="Render a draft in full: the same keys, prompts, seeds and settings. Its strips go into the "
        "draft's folder unless it is told otherwise, and timelines that were asked for are written anew.",
    )
    full.add_argument("draft", metavar="DRAFT", help="the draft's job id, or its beginning, or its manifest.json")
    full.add_argument("--out", metavar="DIR", default="", help="another folder than the draft's")
    full.add_argument("--detach", action="store_true", help="submit, print the job's id, and don't wait")
    shared.add_json(full)
    full.set_defaults(run=render_full)
    submit = commands.add_parser("submit", help="hand in a job described as JSON (docs/protocol.md), without waiting")
    submit.add_argument("file", metavar="FILE", help="the file, or - for standard input")
    shared.add_json(submit)
    submit.set_defaults(run=submit_json)


class UnknownJobPrefix(BadJob):
    """No job, or more than one, begins with the id that was given."""

    code = "unknown-job"


def show_jobs(options: argparse.Namespace, terminal: Terminal) -> None:
    """List jobs."""
    with shared.open_client() as client:
        jobs = client.jobs(limit=options.limit)
    rows = [[short_id(job.job_id), job.state, job.name, _progress(job)] for job in jobs]
    terminal.table([asdict(job) for job in jobs], ["job", "state", "clip", "progress"], rows)


def show_status(options: argparse.Namespace, terminal: Terminal) -> None:
    """One job's status, or with --web a page of it or of all jobs."""
    if not options.web and not options.job_id:
        raise BadJob("Which job?", "Give its id (`restrip jobs` lists them), or --web for a page of all jobs.")
    if options.web:
        with shared.open_client() as client:
            job_id = whole_id(client, options.job_id) if options.job_id else ""
        web.show_page(terminal, job_id=job_id, minutes=options.minutes, opened=not options.no_open)
        return
    with shared.open_client() as client:
        status = client.status(whole_id(client, options.job_id))
    lines = [f"job       {status.job_id}", f"state     {status.state}", f"progress  {_progress(status)}"]
    if status.error:
        lines.append(f"error     {status.error.get('message', '')} {status.error.get('remedy', '')}")
    terminal.result(asdict(status), *lines)


def cancel(options: argparse.Namespace, terminal: Terminal) -> None:
    """Ask for the cancel; it takes effect at the next step."""
    with shared.open_client() as client:
        job_id = whole_id(client, options.job_id)
        client.cancel(job_id)
    terminal.result({"job_id": job_id, "state": "cancel_requested"}, f"Job {job_id} stops at its next step.")


def resume(options: argparse.Namespace, terminal: Terminal) -> None:
    """Queue the job again and wait."""
    with shared.open_client() as client:
        job_id = whole_id(client, options.job_id)
        with terminal.stopping(client, job_id):
            (client.resume if options.verb == "resume" else client.retry)(job_id)
            show_result(client, job_id, terminal)


def show_manifest(options: argparse.Namespace, terminal: Terminal) -> None:
    """The manifest of a finished job."""
    with shared.open_client() as client:
        manifest = client.manifest(whole_id(client, options.job_id))
    terminal.result(manifest.to_json(), *sentences(manifest))


def discard(options: argparse.Namespace, terminal: Terminal) -> None:
    """Delete a job's files, or say what that would delete."""
    with shared.open_client() as client:
        job_id = whole_id(client, options.job_id)
        answer = client.discard(job_id) if options.yes else client.would_discard(job_id)
    files = [str(path) for path in answer.get("deleted" if options.yes else "would_delete", ())]
    last = "deleted." if options.yes else "would be deleted: add --yes."
    terminal.result(answer, *files, f"{len(files)} files {last}")


def render_full(options: argparse.Namespace, terminal: Terminal) -> None:
    """Submit a draft's job in full, show the progress, name what was written."""
    with shared.open_client() as client:
        spec = full_job(_manifest_of(client, options.draft), new_job_id())
        if options.out:
            spec = replace(spec, output=replace(spec.output, folder=str(typed_path(options.out))))
        carry_out(client, spec, terminal, detach=options.detach)


def _manifest_of(client: Client, draft: str) -> Manifest:
    """The manifest that was named by its file, or by its job. Raises BadJob, UnknownJobPrefix, and what jobs raise."""
    path, remedy = Path(draft), "Give the manifest.json of a draft, or its job's id."
    if not os.path.isfile(path):
        if path.name != draft or path.suffix:  # A job's id is one word.
            raise BadJob(f"{draft} is {'no file' if os.path.exists(path) else 'not there'}.", remedy)
        return client.manifest(whole_id(client, draft))
    try:
        body = read_json(path)
    except (OSError, ValueError) as error:
        raise BadJob(f"{path} can't be read: {words(error)}.", remedy) from None
    if not isinstance(body, dict):
        raise BadJob(f"{path} is no manifest.", remedy)
    return Manifest.from_json(body)


def submit_json(options: argparse.Namespace, terminal: Terminal) -> None:
    """Submit a JobSpec as front-ends send it."""
    try:
        body = json_of(_standard_input()) if options.file == "-" else read_json(options.file)
    except (OSError, ValueError) as error:
        raise BadJob(
            f"The job {options.file} can't be read: {words(error)}.", "Give a JSON file as docs/protocol.md has it."
        ) from None
    if not isinstance(body, dict):
        raise BadJob("The job is no JSON object.", "Give a JSON file as docs/protocol.md has it.")
    spec = JobSpec.from_json(body)
    with shared.open_client() as client:
        answer = client.submit(spec)
    terminal.result({"job_id": spec.job_id, **answer}, f"Job {spec.job_id} is queued.")


def _standard_input() -> str:
    """All of it. Raises ValueError with words."""
    if sys.stdin is None:  # It was closed by who started us.
        raise ValueError("standard input is closed")
    return sys.stdin.read()


def whole_id(client: Any, beginning: str) -> str:
    """The id that `beginning` is the beginning of. Raises UnknownJob."""
    matches = [job.job_id for job in client.jobs(beginning=beginning, limit=2)]
    if beginning in matches:
        return beginning
    if len(matches) == 1:
        return str(matches[0])
    if not matches:
        raise UnknownJobPrefix(f"There is no job {beginning}.", "`restrip jobs` lists them.")
    raise UnknownJobPrefix(f"Several jobs begin with {beginning}.", "Give more of the id; `restrip jobs` lists them.")


def _progress(job: JobStatus) -> str:
    if job.state != "running":
        return job.note
    eta = "" if job.eta_s is None else f", about {duration(job.eta_s)} left"
    return f"{job.phase} {job.done}/{job.total} {job.unit}{eta}"
