"""`restrip cache`: what rendered keys and segments take, how much they may take, and making room."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("cache", help="what finished keys and segments take on the disk")
    units = "in MiB, or with a unit: 1.5G, 500M"
    parser.add_argument("--prune", metavar="SIZE", help=f"delete the least recently used beyond this size, {units}")
    parser.add_argument("--limit", metavar="SIZE", help=f"how large it may become from now on, {units}")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Show, or prune; nothing that a job still has to place is deleted."""
    prune, limit = (None if size is None else shared.mib_of(size) for size in (options.prune, options.limit))
    with shared.open_client() as client:
        answer = client.cache(prune, limit_mib=limit)
    facts = {name: value for name, value in answer.items() if name != "ok"}
    terminal.result(facts, *(f"{name:16} {value}" for name, value in facts.items()))
