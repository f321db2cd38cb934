"""`restrip resolve`: a timeline that an editor exported, with its marked clips restyled, as one timeline to import.

For editions of DaVinci Resolve that run no scripts, and for any editor that exports and imports OpenTimelineIO.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.output_file import OutputFile
from restrip.cli.render import say_what_travels
from restrip.cli.terminal import Terminal
from restrip.client.client import Client
from restrip.client.ids import folder_name, new_job_id
from restrip.client.job import JobSpec, Manifest, Output
from restrip.errors import BadInput, RestripError
from restrip.request import absolute_look, finished
from restrip.storage.typed_paths import typed_path
from restrip.timeline import check_keys
from restrip.timeline.editor_timeline import Cut, MarkedClip

ENDING = ".otio"
MADE = " restyled"
POLL_S = 2.0


class NothingToWatch(BadInput):
    """--watch without a folder."""

    code = "nothing-to-watch"

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is no folder.", "Give the folder into which you export timelines.", path=str(path))


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "resolve",
        help="restyle the marked clips of an exported timeline (.otio), and write a timeline to import",
        description=__doc__.partition("\n")[0] if __doc__ else None,
    )
    parser.add_argument("timeline", help="an .otio file (File > Export > Timeline), or with --watch a folder of them")
    parser.add_argument(
        "--markers", default="cyan", metavar="COLOUR", help="timeline markers of this colour are keys (default cyan)"
    )
    parser.add_argument(
        "--watch", action="store_true", help="go on with each timeline that is exported into the folder"
    )
    shared.add_look(parser)
    shared.add_output(parser)
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """One timeline, or every one that comes into a folder until Ctrl+C."""
    path = typed_path(options.timeline)
    with shared.open_client() as client:
        settings = shared.settings_of(options, client)
        if not options.watch:
            made, notes = restyled(client, path, options, settings, terminal)
            terminal.result({"timeline": str(made), "notes": notes}, *notes, f"Import it: {made}")
            return
        if not os.path.isdir(path):
            raise NothingToWatch(path)
        terminal.aside(f"Export timelines into {path}; Ctrl+C ends it.")
        for exported in arriving(path):
            try:
                made, notes = restyled(client, exported, options, settings, terminal)
            except RestripError as error:
                terminal.error(error)
                continue
            terminal.result({"timeline": str(made), "notes": notes}, *notes, f"Import it: {made}")


def restyled(
    client: Client, path: Path, options: argparse.Namespace, settings: dict[str, Any], terminal: Terminal
) -> tuple[Path, list[str]]:
    """Do the marked clips of a timeline; returns the new timeline and what has to be said.

    Raises CutUnreadable, NothingMarked, OutputExists, and what a clip's job fails with: what was finished is kept.
    """
    cut = Cut.read(path)
    output = shared.output_of(options)
    target = OutputFile(output.otio or Path(output.folder) / f"{path.stem}{MADE}{ENDING}", "--otio or --out")
    results, said = [], []
    for number, marked in enumerate(cut.marked(options.markers), 1):
        spec, notes = job_of(marked, number, output, options.look, settings)
        said += [f"{marked.clip.name}: {note}" for note in notes]
        terminal.aside(f"{marked.clip.name}: {marked.clip.length} frames, {len(spec.keys)} keys.")
        say_what_travels(client, spec, terminal)
        with terminal.stopping(client, spec.job_id), terminal.progress() as show:
            client.submit(spec)
            results.append((marked, finished(client, spec.job_id, show)))
    target.write(cut.with_results(results).encode("utf-8", "replace"))
    return target.path, [*cut.notes, *said, *(note for _, manifest in results for note in _notes(manifest))]


def _notes(manifest: Manifest) -> list[str]:
    return [f"{manifest.clip.name}: {note}" for note in manifest.notes]


def job_of(
    marked: MarkedClip, number: int, output: Output, look: str, settings: dict[str, Any]
) -> tuple[JobSpec, tuple[str, ...]]:
    """The job for a clip, in a folder of its own, and what was done to its keys."""
    keys, notes = check_keys(marked.keys, marked.clip.length, marked.clip.timeline_start)
    folder = str(Path(output.folder) / f"{number:02d} {folder_name(marked.clip.name)}")
    spec = JobSpec(
        job_id=new_job_id(),
        clip=marked.clip,
        keys=keys,
        look=absolute_look(look),
        settings=settings,
        output=Output(
            folder=folder, format=output.format, fade=output.fade, long_side=output.long_side, draft=output.draft
        ),
    )
    return spec, notes


def arriving(folder: Path) -> Iterator[Path]:
    """Timelines that are in a folder and come into it, each version once, when it is written whole."""
    done: dict[Path, tuple[int, int]] = {}
    seen: dict[Path, tuple[int, int]] = {}
    while True:
        for path in sorted(folder.glob(f"*{ENDING}")):
            if path.stem.endswith(MADE):
                continue
            try:
                stat = path.stat()
            except OSError:
                continue  # Moved away in this moment.
            stamp = stat.st_size, stat.st_mtime_ns
            if done.get(path) != stamp and seen.get(path) == stamp:
                done[path] = stamp
                yield path
            seen[path] = stamp
        time.sleep(POLL_S)
