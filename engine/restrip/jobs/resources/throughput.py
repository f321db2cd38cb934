"""How long things take on this machine, learned from the tasks that were done. Loads no numerics.

keys FAMILY   seconds a key and million pixels, by the look's family
parts         seconds a frame and million pixels
finish        seconds a frame of the whole job and million pixels

Those of drafts have names of their own, which begin with "draft".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from restrip.looks.families import family_named
from restrip.storage import json_files

SMOOTHING = 0.3


@dataclass
class Throughput:
    """Seconds that one worker takes for a million pixels, by name. The engine learns them from finished tasks."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, state_dir: Path) -> Throughput:
        """What was learned so far; nothing when the file can't be read."""
        path = state_dir / "pace.json"
        body = json_files.read_json(path) or {}
        kept = {
            name: float(s)
            for name, s in body.items()
            if isinstance(s, int | float) and not isinstance(s, bool) and s > 0
        }
        return cls(path, kept)

    def save(self) -> None:
        """Keep it. Raises OSError."""
        json_files.write_json(self.path, self.seconds)

    def measured(self, name: str, seconds: float, amount: float) -> None:
        """`amount` million pixels took so long; what is nothing, or took no time, teaches nothing."""
        if amount <= 0 or seconds <= 0:
            return
        new = seconds / amount
        old = self.seconds.get(name, new)
        self.seconds[name] = old + SMOOTHING * (new - old)

    def takes_s(self, name: str, amount: float) -> float | None:
        """What `amount` million pixels take; None when such were never done here."""
        learned = self.seconds.get(name, 0.0 if not amount else None)
        return None if learned is None else learned * amount


def keys_of(look: str, *, draft: bool = False) -> str:
    """The name under which a look's throughput is kept: its family's."""
    family = family_named(look)
    # The oldest of its names: what was learned before a family got a new one still counts.
    name = f"keys {look.partition(':')[0] if family is None else family.names[-1]}"
    return f"draft {name}" if draft else name


def segments_of(*, draft: bool = False) -> str:
    """The name under which the throughput of segments is kept."""
    return "draft parts" if draft else "parts"
