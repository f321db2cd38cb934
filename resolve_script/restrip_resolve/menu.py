"""Running a menu entry."""

from __future__ import annotations

import importlib

from restrip_resolve.actions.context import Context
from restrip_resolve.console import Reported
from restrip_resolve.titles import ENTRIES, EXTRA


def run(action: str, context: Context) -> bool:
    """Run a menu entry inside the one handler; returns whether it went well."""
    with Reported(context.console, {**ENTRIES, **EXTRA}[action]) as report:
        importlib.import_module(f"restrip_resolve.actions.{action}").run(context)
    return report.failed is None
