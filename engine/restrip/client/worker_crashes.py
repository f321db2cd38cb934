"""The most recent unexpected ends of workers, read from the engine's file without asking the engine.

<state>/deaths.json     {"deaths": [{time, cause, what, task, job, machine, remedy}]}, the oldest first
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MOST = 20
"""So many are kept."""
FIELDS = ("time", "cause", "what", "task", "job", "machine", "remedy")


def deaths_file(state_dir: Path) -> Path:
    """Where they are written down."""
    return state_dir / "deaths.json"


def last_deaths(state_dir: Path) -> list[dict[str, Any]]:
    """The last ones, the oldest first; none when there is no record that can be read."""
    try:
        body = json.loads(deaths_file(state_dir).read_bytes())
        found = [death for death in body["deaths"] if _is_death(death)]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    return found[-MOST:]


def _is_death(death: Any) -> bool:
    return (
        isinstance(death, dict)
        and isinstance(death.get("time"), int | float)
        and all(isinstance(death.get(name), str) for name in FIELDS[1:])
    )
