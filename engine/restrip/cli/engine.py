"""`restrip engine start|stop|status|free-gpu|log`: the one process that all editors share."""

from __future__ import annotations

import argparse
import time
from typing import Any

from restrip.cli import options as shared
from restrip.cli.terminal import Terminal, local_time
from restrip.client.client import Client, EngineUnreachable, connect
from restrip.client.discovery import log_tail, state_dir
from restrip.client.privileges import AS_ROOT, NOT_AS_ROOT
from restrip.client.start import engine_argv, start_engine
from restrip.client.worker_crashes import last_deaths
from restrip.errors import BadInput, RestripError

SETTLE_S = 120.0
DEATHS_SHOWN = 5


def add(commands: Any) -> None:
    """Describe the commands."""
    parser = commands.add_parser("engine", help="start, stop or look at the engine")
    verbs = parser.add_subparsers(metavar="start|stop|status|free-gpu|log", required=True)
    described = {
        "start": ("start it; nothing happens when it runs", start),
        "stop": ("stop it", stop),
        "status": ("queue, workers, GPU, memory and clients", status),
        "free-gpu": ("let its idle workers go, so that the GPU's memory is free", free_gpu),
        "log": ("the end of its log", log),
    }
    for name, (help_text, run) in described.items():
        verb = verbs.add_parser(name, help=help_text)
        if name == "start":
            _add_executor(verb)
        if name == "stop":
            verb.add_argument("--when-idle", action="store_true", help="finish the jobs in hand first")
            verb.add_argument(
                "--force", action="store_true", help="also while a job runs: resume goes on with it later"
            )
        shared.add_json(verb)
        verb.set_defaults(run=run)


def _add_executor(verb: argparse.ArgumentParser) -> None:
    """Where the engine has its work done; it remembers what is said here."""
    verb.add_argument("--executor", choices=("local", "ray"), help="this machine's GPUs, or a Ray cluster; remembered")
    verb.add_argument("--ray-address", default="auto", metavar="HOST:PORT", help="auto: the cluster of this machine")
    verb.add_argument(
        "--ray-shared",
        choices=("auto", "yes", "no"),
        default="auto",
        help="whether its machines see this one's files under the same paths; auto looks",
    )
    verb.add_argument(
        "--ray-window", type=int, default=0, metavar="N", help="segments in flight at most; 0: one a core and a few"
    )


def start(options: argparse.Namespace, terminal: Terminal) -> None:
    """Start it, or find it."""
    if options.executor is None:
        with shared.open_client() as client:
            answer, as_root = client.ping(), bool(client.engine_status().get("root"))
        terminal.result(answer, "The engine runs.", *([f"{AS_ROOT} {NOT_AS_ROOT}"] if as_root else []))
        return
    if not _runs_here():
        start_engine([*engine_argv(), *_arguments(options)])
    found = _settled()
    if found["name"] != options.executor or found.get("address", "auto") != _address(options):
        raise OtherExecutor(str(found["name"]))
    if found.get("trouble"):
        raise NoCluster(str(found["trouble"]))
    count = f" on {found['machines']} machines" if "machines" in found else ""
    terminal.result(found, f"The engine runs; its work is done by the executor '{found['name']}'{count}.")


class OtherExecutor(BadInput):
    """An engine runs already, and with another executor."""

    code = "other-executor"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"An engine runs already, with other settings (executor '{name}').",
            "Stop it first: restrip engine stop --when-idle",
        )


class NoCluster(RestripError):
    """The engine runs and has no cluster to work on."""

    code = "no-cluster"


def _address(options: argparse.Namespace) -> str:
    return str(options.ray_address) if options.executor == "ray" else "auto"


def _arguments(options: argparse.Namespace) -> list[str]:
    ray = ["--ray-address", options.ray_address, "--ray-shared", options.ray_shared]
    window = ["--ray-window", str(options.ray_window)]
    return ["--executor", options.executor, *([*ray, *window] if options.executor == "ray" else [])]


def _runs_here() -> bool:
    """Whether an engine of this installation runs; one of another is had to finish and end."""
    try:
        with connect("command line", start=False, on_wait=shared.say_wait) as client:
            return not client.replace_other()
    except EngineUnreachable:
        return False


def _settled() -> dict[str, Any]:
    """What the engine says of its executor, when it has reached its cluster or has given up."""
    until = time.monotonic() + SETTLE_S
    with _connected(until) as client:
        while True:
            found: dict[str, Any] = client.engine_status()["executor"]
            if found.get("state") != "connecting" or time.monotonic() > until:
                return found
            time.sleep(0.2)


def _connected(until: float) -> Client:
    """The engine that is starting. Raises EngineUnreachable when it hasn't by then."""
    while True:
        try:
            return connect("command line", start=False)
        except EngineUnreachable:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


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
        deaths = {"deaths": last_deaths(state_dir())[-DEATHS_SHOWN:]}
        known = {name: value for name, value in deaths.items() if value}
        lines = _lines(_dated(known))
        terminal.result({"running": False, **known}, "No engine runs; it starts by itself when it is needed.", *lines)
        return
    # The engine's own "running" are the jobs.
    named = {"running": "at_work"}
    facts = {named.get(name, name): value for name, value in answer.items() if name != "ok"}
    terminal.result({"running": True, **facts}, *_lines(_dated(facts)))


def _dated(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with the times of workers' deaths as a person reads them."""
    if "deaths" not in facts:
        return facts
    return {**facts, "deaths": [{**death, "time": local_time(death["time"])} for death in facts["deaths"]]}


def free_gpu(options: argparse.Namespace, terminal: Terminal) -> None:
    """Send its idle workers home."""
    try:
        with connect("command line", start=False) as client:
            busy = bool(client.free_gpu()["busy"])
    except EngineUnreachable:
        busy = False
    said = "A job is at work: its worker stays." if busy else "The GPU's memory is free in a moment."
    terminal.result({"busy": busy}, said)


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
