"""What the user set for the engine itself, kept in <state>/preferences.json: {"cache_mib": 20480, ...}."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from restrip.storage.atomic import write_whole

CACHE_MIB = 20_480.0
MOST_MIB = 2.0**40


@dataclass(frozen=True)
class Preferences:
    """`cache_mib` is how large the cache may become, `guest_mib` how much one guest may store here, and `guests_mib`
    all of them.
    """

    cache_mib: float = CACHE_MIB
    guest_mib: float = 51_200.0
    guests_mib: float = 102_400.0

    @classmethod
    def load(cls, state_dir: Path, otherwise: Preferences | None = None) -> Preferences:
        """What is set; as in `otherwise` what isn't, or can't be."""
        there = otherwise or cls()
        try:
            body = json.loads((state_dir / "preferences.json").read_bytes())
        except (OSError, ValueError, RecursionError):
            return there
        known = body if isinstance(body, dict) else {}
        found = {field.name: float(known[field.name]) for field in fields(cls) if is_size(known.get(field.name))}
        return replace(there, **found)

    def save(self, state_dir: Path) -> None:
        """Keep it, whole or not at all. Raises OSError."""
        write_whole(state_dir / "preferences.json", json.dumps(asdict(self)).encode(), mode=0o600)


def is_size(value: object) -> bool:
    """Whether this is a number of MiB."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= MOST_MIB
    )
