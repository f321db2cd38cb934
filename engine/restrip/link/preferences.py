"""What the user set for the engine itself, kept in <state>/preferences.json: {"cache_mib": 20480}."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

from restrip.timeline.aside import write_whole

CACHE_MIB = 20_480.0
MOST_MIB = 2.0**40


@dataclass(frozen=True)
class Preferences:
    """`cache_mib` is how large the cache may become."""

    cache_mib: float = CACHE_MIB

    @classmethod
    def load(cls, state_dir: Path, otherwise: Preferences | None = None) -> Preferences:
        """What is set; `otherwise` when nothing is, or nothing that can be."""
        there = otherwise or cls()
        try:
            body = json.loads((state_dir / "preferences.json").read_bytes())
            mib = body["cache_mib"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return there
        return cls(float(mib)) if is_size(mib) else there

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
