"""`restrip export-keys`: frames of a clip as pictures to paint on, which are found again as keys."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.request import Request, job_of

EDITOR = "command line"


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser(
        "export-keys",
        help="write the frames to paint on, with a note that says what to do",
        description="Write keyframes as pictures to paint on. `restrip render CLIP --look keys:DIR` finds them again.",
    )
    parser.add_argument("clip", metavar="CLIP", help="a movie, or a folder of pictures")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--keys", metavar="0,45,90", help="the keyframes")
    which.add_argument("--every", type=int, metavar="N", help="a key every N frames")
    which.add_argument("--keys-file", metavar="FILE", help="a line a key, or a JSON list")
    parser.add_argument("--range", metavar="A:B", help="only the frames A to B - 1")
    parser.add_argument("--rate", metavar="24", help="frames a second in which keys and range count; else the clip's")
    parser.add_argument("folder", metavar="DIR", help="where to put the pictures")
    parser.add_argument(
        "--replace",
        action="store_true",
        help="also where a key was painted: the painted one is kept under another name",
    )
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Write them, and say what became of each."""
    if options.every is not None and options.every < 1:
        raise shared.BadOption(f"--every can't be {options.every}.", "Give 1 or more frames.")
    keys = shared.key_list(options.keys) if options.keys is not None else []
    if options.keys_file:
        keys = shared.key_file(options.keys_file)
    request = Request(
        options.clip,
        look="",
        keys=keys,
        every=options.every,
        frames=shared.frame_range(options.range) if options.range else None,
        rate=options.rate,
    )
    folder = shared.folder_of(options.folder, "DIR")
    with shared.open_client() as client, terminal.reading(client):
        spec = job_of(client, request)
        made = client.export_keys(
            spec.clip,
            [key.frame for key in spec.keys],
            folder,
            first=spec.clip.trim_in,  # Keys are named as the clip counts, with a range as well.
            replace=options.replace,
            editor=EDITOR,
        )
    terminal.result(made, *(outcome(key) for key in made["keys"]), *([made["note"]] if made["note"] else []))


def outcome(key: Mapping[str, Any]) -> str:
    """What became of one key, in words."""
    if key["outcome"] == "painted":
        name = os.path.basename(key["file"])
        return f"{key['file']}  left alone: {name} was painted. --replace exports the frame again and keeps it aside"
    said = {"there": "was there already", "written": "", "replaced": f"the painted one is {key['kept']} now"}
    return "  ".join(filter(None, (key["file"], said[key["outcome"]])))
