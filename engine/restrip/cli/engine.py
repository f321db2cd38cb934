"""`restrip engine start|stop|status|log`: the one process that all editors share."""

from __future__ import annotations

import argparse
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal
from restrip.link.client import EngineUnreachable, connect
from restrip.link.discovery import log_tail


def add(commands: Any) -> None:
    """Describe the commands."""
    parser = commands.add_parser("engine", help="start, stop or look at the engine")
    verbs = parser.add_subparsers(metavar="start|stop|status|log", required=True)
    described = {
        "start": ("start it; nothing happens when it runs", start),
        "stop": ("stop it", stop),
        "status": ("queue, worker and memory", status),
        "log": ("the end of its log", log),
    }
    for name, (help_text, run) in described.items():
        verb = verbs.add_parser(name, help=help_text)
        if name == "stop":
            verb.add_argument("--when-idle", action="store_true", help="finish the jobs in hand first")
            verb.add_argument(
                "--force", action="store_true", help="also while a job runs: resume goes on with it later"
            )
        shared.add_json(verb)
        verb.set_defaults(run=run)


def start(options: argparse.Namespace, terminal: Terminal) -> None:
    """Start it, or find it."""
    with connect("command line") as client:
        answer = client.ping()
    terminal.result(answer, "The engine runs.")


def stop(options: argparse.Namespace, terminal: Terminal) -> None:
    """Ask it to leave."""
    try:
        with connect("command line", start=False) as client:
            client.drain() if options.when_idle else client.quit(if_idle=not options.force)
    except EngineUnreachable:
        terminal.result({"running": False}, "No engine runs.")
        return
    later = "It stops when its jobs are done." if options.when_idle else "The engine stops."
    terminal.result({"running": False}, later)


def status(options: argparse.Namespace, terminal: Terminal) -> None:
    """What it is doing."""
    try:
        with connect("command line", start=False) as client:
            answer = client.engine_status()
    except EngineUnreachable:
        terminal.result({"running": False}, "No engine runs; it starts by itself when it is needed.")
        return
    facts = {name: value for name, value in answer.items() if name != "ok"}
    terminal.result({"running": True, **facts}, *_lines(facts))


def _lines(facts: Any, indent: str = "") -> list[str]:
    """Nested facts as indented lines, without what is empty."""
    lines = []
    pairs = facts.items() if isinstance(facts, dict) else ((f"{n}.", fact) for n, fact in enumerate(facts, 1))
    for name, value in pairs:
        if isinstance(value, dict | list) and value:
            lines += [f"{indent}{name}", *_lines(value, indent + "  ")]
        elif value not in ("", None, [], {}):
            lines.append(f"{indent}{str(name).replace('_', ' '):16} {value}")
    return lines


def log(options: argparse.Namespace, terminal: Terminal) -> None:
    """The log's tail, whether it runs or not."""
    lines = log_tail()
    terminal.result({"lines": lines}, *(lines or ["The engine has not written a log yet."]))
