"""`restrip open-key`: a key's picture, in the program in which it is painted."""

from __future__ import annotations

import argparse
import os
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.client.key_files.program import NoKeyPicture, open_picture
from restrip.storage.texts import words
from restrip.storage.typed_paths import typed_path
from restrip.timeline.key_names import painted_in_folder

VARIABLE = "RESTRIP_PAINT_PROGRAM"


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("open-key", help="open a key's picture in the program that you paint in")
    parser.add_argument("folder", metavar="DIR", help="the folder of painted keys")
    parser.add_argument("frame", type=int, metavar="FRAME", help="the key's frame, as its name has it")
    parser.add_argument(
        "--in",
        dest="program",
        metavar="PROGRAM",
        default=None,
        help=f"the program, with arguments if it needs any; else what {VARIABLE} names, or the system's own",
    )
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Start the program, and don't wait for it."""
    program = options.program if options.program is not None else os.environ.get(VARIABLE, "")
    folder = typed_path(options.folder)
    try:
        found = painted_in_folder(folder, options.frame)
    except OSError as error:
        raise NoKeyPicture(str(folder), f"can't be listed: {words(error)}") from error
    if found is None:
        raise NoKeyPicture(str(folder), f"has no picture for frame {options.frame}")
    open_picture(str(found), program)
    terminal.result({"file": str(found), "program": program}, f"{found} is opened.")
