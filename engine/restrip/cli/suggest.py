"""`restrip suggest`: where keys are worth it."""

from __future__ import annotations

import argparse
import math
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.request import Request, job_of


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("suggest", help="propose keyframes where motion and appearance change")
    parser.add_argument("clip", metavar="CLIP", help="a movie, or a folder of pictures")
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--count", type=int, metavar="N", help="how many keys")
    how.add_argument("--error", type=float, metavar="X", help="as many as keep the rebuild error under X")
    parser.add_argument("--range", metavar="A:B", help="only the frames A to B - 1")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Ask the engine; frames are printed as the clip counts them."""
    if options.count is not None and options.count < 1:
        raise shared.BadOption(f"--count can't be {options.count}.", "Ask for one key or more.")
    if options.error is not None and not 0 < options.error < math.inf:
        raise shared.BadOption(f"--error can't be {options.error}.", "Give a number above 0.")
    frames = shared.frame_range(options.range) if options.range else None
    with shared.open_client() as client:
        with terminal.reading(client):
            clip = job_of(client, Request(options.clip, look="", frames=frames, mode="every")).clip
        with terminal.progress() as show:
            suggested = client.suggest(clip, count=options.count, error=options.error, on_status=show)
    keys = [{**key, "frame": key["frame"] + clip.trim_in} for key in suggested]
    lines = [f"frame {key['frame']:6}  {key['reason']}" for key in keys]
    terminal.result({"keys": keys}, *lines, f"--keys {','.join(str(key['frame']) for key in keys)}")
