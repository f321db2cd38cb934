"""How far a job is, and how long it may still take."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from restrip.client.messages import MAX_BLOB_BYTES

UNITS = {"reading": "frames", "keys": "keys", "writing": "strips"}
ETA_AFTER_S = 1.0


@dataclass
class Progress:
    """The present stage of one job: `done` of `total` units; time is measured from the stage's begin. `shares` are the
    units that the tasks at work have done of theirs. `expected_s` is what the stage is thought to take, `later_s` what
    the stages after it are; None for what isn't known.
    """

    phase: str = ""
    done: int = 0
    total: int = 0
    segment: int = -1
    note: str = ""
    stage: str = ""
    began: float = 0.0
    sent: float = 0.0
    shares: dict[str, int] = field(default_factory=dict)
    expected_s: float | None = None
    later_s: float | None = 0.0

    def enter(self, stage: str, total: int, expected_s: float | None = None, later_s: float | None = 0.0) -> None:
        """A stage begins."""
        self.expected_s, self.later_s = expected_s, later_s
        self.stage, self.phase, self.done, self.total, self.segment = stage, "", 0, total, -1
        self.shares = {}
        self.began = time.monotonic()

    def take(self, message: Mapping[str, Any], stage_done: int, units: int) -> None:
        """What a worker says of its task, which is `units` of the stage; `stage_done` units are finished."""
        done, total = int(message.get("done", 0)), int(message.get("total", 0))
        self.phase = str(message.get("phase", self.phase))
        self.segment = int(message.get("segment", self.segment))
        self.note = str(message.get("note") or self.note)
        if self.stage in ("keys", "parts") and total > 0:
            self.shares[str(message.get("id", ""))] = min(units, units * done // total)
            self.done = max(self.done, stage_done + sum(self.shares.values()))
        elif self.stage not in ("keys", "parts"):
            self.done, self.total = done, total

    def over(self, task_id: str) -> None:
        """A task is at work no longer."""
        self.shares.pop(task_id, None)

    @property
    def unit(self) -> str:
        """What is counted."""
        return UNITS.get(self.phase, "frames")

    @property
    def eta_s(self) -> float | None:
        """Seconds until the job is done: the rest of the stage at its rate so far, and the stages after it.

        None before that can be said.
        """
        spent = time.monotonic() - self.began
        if self.later_s is None:
            return None
        if self.done and spent >= ETA_AFTER_S:
            return round(spent * max(0, self.total - self.done) / self.done + self.later_s, 1)
        return None if self.expected_s is None else round(max(0.0, self.expected_s - spent) + self.later_s, 1)

    def to_json(self) -> dict[str, Any]:
        """The fields of a progress event."""
        return {
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "unit": self.unit,
            "segment": self.segment,
            "eta_s": self.eta_s,
            "note": self.note,
        }


def preview_of(text: Any) -> bytes | None:
    """A preview out of a worker's message; None when there is none that may be sent."""
    if not isinstance(text, str):
        return None
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return blob if len(blob) <= MAX_BLOB_BYTES else None
