"""What the user set for the engine itself, kept in <state>/preferences.json: {"cache_mib": 20480}."""

from __future__ import annotations

import contextlib
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

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
        aside = state_dir / f"preferences.json.aside-{os.getpid()}"
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        try:
            with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, state_dir / "preferences.json")
        except OSError:
            aside.unlink(missing_ok=True)
            raise


def is_size(value: object) -> bool:
    """Whether this is a number of MiB."""
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and 0 <= value <= MOST_MIB
    )
