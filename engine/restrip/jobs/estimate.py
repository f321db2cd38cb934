"""How long a job will take, from what was measured on this machine. Loads no numerics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from restrip.jobs import files
from restrip.jobs.plan import Plan

SMOOTHING = 0.3


@dataclass
class Speeds:
    """Seconds a million pixels: of a key by its look's family, of a frame of a segment."""

    path: Path
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def load(cls, state_dir: Path) -> Speeds:
        """What was measured so far."""
        path = state_dir / "speeds.json"
        body = files.read_json(path) or {}
        return cls(path, {name: float(s) for name, s in body.items() if isinstance(s, int | float) and s > 0})

    def measured(self, name: str, seconds: float, mpx: float) -> None:
        """Take a measurement in: `mpx` million pixels took `seconds`."""
        if mpx <= 0:
            return
        new = seconds / mpx
        old = self.seconds.get(name, new)
        self.seconds[name] = old + SMOOTHING * (new - old)
        files.write_json(self.path, self.seconds)

    def estimate_s(self, look: str, plan: Plan, keys: Sequence[int], parts: Sequence[int]) -> float | None:
        """Seconds for these keys and parts; None when such were never rendered here."""
        mpx = plan.size[0] * plan.size[1] / 1e6
        frames = sum(len(plan.parts[n].frames) for n in parts)
        a_key, a_frame = self.seconds.get(key_name(look)), self.seconds.get("frame")
        if (keys and a_key is None) or (parts and a_frame is None):
            return None
        return round(mpx * (len(keys) * (a_key or 0.0) + frames * (a_frame or 0.0)), 1)


def key_name(look: str) -> str:
    """The name under which a look's speed is kept: its family's."""
    return f"key {look.partition(':')[0]}"
