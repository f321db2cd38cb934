"""Running a menu entry."""

from __future__ import annotations

import importlib

from restrip.errors import BadInput, RestripError
from restrip_resolve.actions.context import Context
from restrip_resolve.api import Resolve, ResolveRefused
from restrip_resolve.console import Reported
from restrip_resolve.journal import Guard, RollbackIncomplete
from restrip_resolve.titles import ENTRIES, EXTRA


class ResolveClosed(BadInput):
    """Resolve was closed, or its project, while a script worked."""

    code = "resolve-closed"

    def __init__(self) -> None:
        super().__init__(
            "Resolve was closed while the script ran.",
            "Start it and open the project; Restrip - Place finished results places what is done. What was placed half"
            " is in the bin Restrip.",
        )


def run(action: str, context: Context) -> bool:
    """Run a menu entry inside the one handler; returns whether it went well."""
    with Reported(context.console, {**ENTRIES, **EXTRA}[action]) as report:
        with Guard() as guard:
            importlib.import_module(f"restrip_resolve.actions.{action}").run(context)
        if guard.error is not None:
            of_resolve = isinstance(guard.error, ResolveRefused | RollbackIncomplete)
            if (of_resolve or not isinstance(guard.error, RestripError)) and _is_closed(context.resolve):
                raise ResolveClosed from guard.error
            raise guard.error
    return report.failed is None


def _is_closed(resolve: Resolve) -> bool:
    """Whether Resolve is gone: it answers nothing any more, or its objects raise."""
    with Guard():
        return not resolve.GetProductName() and not resolve.GetVersionString()
    return True
