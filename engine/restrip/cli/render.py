"""`restrip render`: a clip, its keys and a look make strips."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.keys.watching import Watching, what_changed
from restrip.cli.terminal import Terminal
from restrip.client.client import Client
from restrip.client.draft import is_draft
from restrip.client.ids import short_id
from restrip.client.job import JobSpec, Manifest
from restrip.client.travel import in_words
from restrip.request import Request, finished, job_of


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("render", help="restyle a clip", description="Restyle a clip from its keyframes.")
    parser.add_argument("clip", metavar="CLIP", help="a movie, or a folder of pictures")
    which = parser.add_argument_group("keys, counted in the clip's frames at --rate").add_mutually_exclusive_group()
    which.add_argument("--keys", metavar="0,45,90", help="the keyframes")
    which.add_argument("--every", type=int, metavar="N", help="a key every N frames")
    which.add_argument("--keys-file", metavar="FILE", help="a line a key (`45: a prompt seed: 7`), or a JSON list")
    parser.add_argument("--range", metavar="A:B", help="only the frames A to B - 1")
    parser.add_argument(
        "--rate",
        metavar="24",
        help="frames a second of the timeline, in which keys and range count; the clip's own when left out. "
        "A movie keeps its length in seconds, a sequence shows one picture a frame",
    )
    parser.add_argument(
        "--mode", choices=("keys", "every"), default="keys", help="every: each --step-th frame is a key"
    )
    parser.add_argument("--step", type=int, default=2, metavar="N", help="with --mode every (default 2)")
    parser.add_argument("--matte", metavar="FILE", default="", help="a picture or movie: white changes, black stays")
    parser.add_argument("--detach", action="store_true", help="submit, print the job's id, and don't wait")
    parser.add_argument(
        "--watch", action="store_true", help="go on: a painted key that is saved again redoes its two segments"
    )
    shared.add_look(parser)
    shared.add_output(parser)
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Submit, show the progress, name what was written."""
    if options.watch and options.detach:
        raise shared.BadOption("--watch can't go with --detach.", "Leave out one of them: a watch waits for results.")
    with shared.open_client() as client:
        if options.watch:
            watch(client, options, terminal)
            return
        with terminal.reading(client):
            spec = job_of(client, request_of(options, shared.settings_of(options, client)))
        carry_out(client, spec, terminal, detach=options.detach)


def carry_out(client: Client, spec: JobSpec, terminal: Terminal, *, detach: bool) -> None:
    """Submit a job; show its progress and name what was written, or with `detach` say only that it is queued."""
    say_what_travels(client, spec, terminal)
    if detach:
        client.submit(spec)
        terminal.result({"job_id": spec.job_id}, f"Job {spec.job_id} is queued: `restrip status {spec.job_id}`.")
        return
    with terminal.stopping(client, spec.job_id):
        client.submit(spec)
        show_result(client, spec.job_id, terminal)


def show_result(client: Client, job_id: str, terminal: Terminal) -> None:
    """Show a job's progress to its end, and name what was written."""
    with terminal.progress() as show:
        manifest = finished(client, job_id, show)
    terminal.result(manifest.to_json(), *sentences(manifest))


def watch(client: Client, options: argparse.Namespace, terminal: Terminal) -> None:
    """Render, and again whenever a painted key is saved."""
    settings = shared.settings_of(options, client)

    def make() -> JobSpec:
        with terminal.reading(client):
            spec = job_of(client, request_of(options, settings))
        say_what_travels(client, spec, terminal)
        return spec

    def show(manifest: Manifest, before: Manifest | None) -> None:
        terminal.result(manifest.to_json(), *sentences(manifest, before))

    named = options.keys is not None or options.every is not None or options.keys_file
    Watching(client, make, terminal, show, all_in_folder=not named).run()


def say_what_travels(client: Client, spec: JobSpec, terminal: Terminal) -> None:
    """Before a job goes to another computer: which files go with it."""
    link = client.request("links", {}).get("link")
    if link is not None:
        travels = client.check(spec).get("travels", ())
        terminal.aside(in_words(travels, str(link["host"])))


def request_of(options: argparse.Namespace, settings: dict[str, Any]) -> Request:
    """The request that the options describe. Raises BadOption."""
    for name, value in (("--every", options.every), ("--step", options.step)):
        if value is not None and value < 1:
            raise shared.BadOption(f"{name} can't be {value}.", "Give 1 or more frames.")
    keys = shared.key_list(options.keys) if options.keys is not None else []
    if options.keys_file:
        keys = shared.key_file(options.keys_file)
    return Request(
        clip=options.clip,
        look=options.look,
        keys=keys,
        every=options.every,
        frames=shared.frame_range(options.range) if options.range else None,
        settings=settings,
        output=shared.output_of(options),
        matte=options.matte,
        mode=options.mode,
        step=options.step,
        rate=options.rate,
    )


def sentences(manifest: Manifest, before: Manifest | None = None) -> list[str]:
    """What was made, for a person; of the strips those that are others than `before`."""
    lines = [f"note: {note}" for note in manifest.notes if before is None or note not in before.notes]
    strips = [strip for strip in manifest.strips if strip.file in what_changed(manifest, before)]
    lines += [f"{strip.file}  frames {strip.frames.first} to {strip.frames.end - 1}" for strip in strips]
    lines += [path for path in (manifest.baked, manifest.preview, manifest.sheet, manifest.otio) if path]
    counts = manifest.counts
    rendered = counts.get("segments_rendered", 0)
    total = rendered + counts.get("segments_cached", 0)
    lines.append(f"{rendered} of {total} segments rendered, the others were there already.")
    if is_draft(manifest):
        width, height = manifest.size
        lines.append(f"A draft at {width}x{height}: `restrip full {short_id(manifest.job_id)}` renders it in full.")
    return lines
