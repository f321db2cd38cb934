"""`restrip seeds`: one frame in several seeds, on a contact sheet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from restrip.cli import options as shared
from restrip.cli.output_file import OutputFile
from restrip.cli.render import say_what_travels
from restrip.cli.terminal import Terminal
from restrip.request import Request, job_of


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("seeds", help="try several seeds on one frame: a contact sheet")
    parser.add_argument("clip", metavar="CLIP", help="a movie, or a folder of pictures")
    parser.add_argument("--frame", type=int, required=True, metavar="F", help="the frame, as the clip counts")
    parser.add_argument("--count", type=int, default=9, metavar="N", help="how many seeds (default 9)")
    parser.add_argument("--out", metavar="FILE", help="where to put the sheet, a .png")
    shared.add_look(parser)
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Make the sheet, or show the one that is there."""
    if not 1 <= options.count <= 100:
        raise shared.BadOption(f"--count can't be {options.count}.", "Ask for 1 to 100 seeds.")
    target = OutputFile(options.out, "--out") if options.out else None
    with shared.open_client() as client:
        frames = shared.frame_range(f"{options.frame}:{options.frame + 1}")
        with terminal.reading(client):
            settings = shared.settings_of(options, client)
        spec = job_of(client, Request(options.clip, look=options.look, frames=frames, mode="every", settings=settings))
        say_what_travels(client, spec, terminal)
        clip = spec.clip
        with terminal.progress() as show:
            result = client.seeds(clip, 0, look=options.look, settings=settings, count=options.count, on_status=show)
    if target:
        target.write(Path(result["sheet"]).read_bytes())
        result["sheet"] = str(target.path)
    seeds = ", ".join(str(picture["seed"]) for picture in result["pictures"])
    terminal.result(result, str(result["sheet"]), f"seeds {seeds}: take one with --seed")
