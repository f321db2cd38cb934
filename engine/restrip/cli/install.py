"""`restrip install blender|resolve`: put the front-ends where the editors look for them."""

from __future__ import annotations

import argparse
import importlib
from typing import Any

from restrip.cli.terminal import Terminal

EDITORS = ("blender", "resolve")


def add(commands: Any) -> None:
    """Describe the command; each editor's own options are described by its module."""
    parser = commands.add_parser("install", help="install the Blender extension or the Resolve menu scripts")
    editors = parser.add_subparsers(metavar="|".join(EDITORS), required=True)
    for name in EDITORS:
        module = importlib.import_module(f"restrip.install.{name}")
        editor = editors.add_parser(name, help=module.HELP)
        module.add_options(editor)
        editor.add_argument("--json", action="store_true", help="machine-readable result")
        editor.set_defaults(run=run, editor=module)


def run(options: argparse.Namespace, terminal: Terminal) -> None:
    """Install, and say what lies where now."""
    result = options.editor.run(options)
    terminal.result(result, *result.get("sentences", ()))
