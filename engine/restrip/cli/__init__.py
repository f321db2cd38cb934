"""The command line: `restrip COMMAND`. Exit code 0, 2 for bad input, 1 for work that failed.

Each module here is one command or one noun of them: `add(commands)` describes it, its `run` functions do it and
return nothing; errors are RestripError and become one sentence with the remedy on stderr.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from restrip import __version__
from restrip.cli.terminal import Terminal
from restrip.errors import RestripError
from restrip.storage.texts import words

COMMANDS = {
    "demo": ("demo",),
    "render": ("render",),
    "resolve": ("resolve",),
    "seeds": ("seeds",),
    "suggest": ("suggest",),
    "keys.export": ("export-keys",),
    "keys.opening": ("open-key",),
    "probe": ("probe",),
    "look": ("look",),
    "looks": ("looks",),
    "models": ("models",),
    "jobs": ("jobs", "status", "cancel", "resume", "retry", "manifest", "discard", "full", "submit"),
    "cache": ("cache",),
    "engine": ("engine",),
    "doctor": ("doctor",),
    "install": ("install",),
    "link": ("link",),
}
"""Modules here, and the commands that each describes. Loaded when asked for: all of them take a quarter of a second."""


def build_parser(wanted: str = "") -> argparse.ArgumentParser:
    """The whole command line; of it only the module that has the command `wanted`, if there is one."""
    parser = argparse.ArgumentParser(
        prog="restrip",
        description="Restyle a strip of your edit: keyframes made by a look, carried through the motion, "
        "handed back as strips with crossfades.",
    )
    parser.add_argument("--version", action="version", version=f"restrip {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in [name for name, described in COMMANDS.items() if wanted in described] or COMMANDS:
        import_module(f"{__name__}.{module}").add(commands)
    return parser


class SystemRefusal(RestripError):
    """What the system refused where no command expects it: no folder to be in, no room for the output."""

    code = "system"

    def __init__(self, error: OSError) -> None:
        of = f", for {error.filename}" if error.filename else ""
        super().__init__(
            f"The system refuses what is needed: {words(error)}{of}.",
            "Check the folder that you are in, and the disk that the output goes to.",
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = build_parser(given[0] if given else "").parse_args(given)
    terminal = Terminal(json_wanted=getattr(options, "json", False))
    try:
        options.run(options, terminal)
        terminal.flush()
    except RestripError as error:
        terminal.error(error)
        return 2 if error.bad_input else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (head, less) left: not an error of ours.
        sys.stderr.close()
        return 0
    except OSError as error:
        terminal.error(SystemRefusal(error))
        terminal.let_go()
        return 1
    return 0
