"""`restrip cache`: what rendered keys and segments take, how much they may take, and making room."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Describe the command."""
    parser = commands.add_parser("cache", help="what finished keys and segments take on the disk")
    parser.add_argument("--prune", type=int, metavar="MIB", help="delete the least recently used beyond this size")
    parser.add_argument("--limit", type=int, metavar="MIB", help="how large it may become from now on")
    shared.add_json(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Show, or prune; nothing that a job still has to place is deleted."""
    for name, given in (("prune", options.prune), ("limit", options.limit)):
        if given is not None and given < 0:
            raise shared.BadOption(f"--{name} can't be {given}.", "Give a size in MiB, 0 for everything.")
    with shared.open_client() as client:
        answer = client.cache(options.prune, limit_mib=options.limit)
    facts = {name: value for name, value in answer.items() if name != "ok"}
    terminal.result(facts, *(f"{name:16} {value}" for name, value in facts.items()))
