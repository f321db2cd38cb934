"""`restrip probe`: what a clip is."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.request import media_paths


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("probe", help="what a clip is: frames, rate, size, rotation, colour")
    parser.add_argument("clip", metavar="CLIP", help="a movie, or a folder of pictures")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Ask the engine and print."""
    with shared.open_client() as client, terminal.reading(client):
        info = client.probe(media_paths(options.clip))
    terminal.result(info, *(f"{name:14} {value}" for name, value in info.items()))
