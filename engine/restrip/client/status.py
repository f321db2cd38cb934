"""What a front-end sees of a job: its status, and the events that hint at changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from restrip import codec
from restrip.client.messages import BadMessage

ENDED = ("done", "failed", "cancelled", "unknown")
"""States in which nothing more happens to a job unless it is asked for."""

WAITING_FOR_CLICK = ("interrupted", "paused")
"""States of a job that the engine left lying: `resume` sends it on."""

_PROGRESS = ("state", "phase", "done", "total", "unit", "segment", "eta_s", "note", "picture")
"""Fields that a progress event may have."""


@dataclass(frozen=True)
class JobStatus:
    """A job as the engine knows it; `state` is "unknown" for one that it doesn't.

    `seq` grows with each change. `done` of `total` (in `unit`s) of `phase` are finished; `segment` is the one in
    work, -1 for none. `error` is an error's wire form. `result` holds what an interactive job found (`seeds`:
    sheet and pictures; `suggest`: keys). `picture` is the newest finished key's, a PNG file on the engine's computer,
    as its progress told it; "" before, and in a snapshot that was asked for.
    """

    job_id: str
    project: str = ""
    state: str = "unknown"
    seq: int = 0
    phase: str = ""
    done: int = 0
    total: int = 0
    unit: str = ""
    segment: int = -1
    eta_s: float | None = None
    note: str = ""
    error: dict[str, Any] | None = None
    created: float = 0.0
    name: str = ""
    placed_by: str = ""
    kind: str = "render"
    result: dict[str, Any] | None = None
    picture: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself: done, failed, cancelled, unknown, or waiting for a click."""
        return self.state in ENDED or self.state in WAITING_FOR_CLICK

    def after(self, event: Event) -> JobStatus:
        """This status with what a progress event, the next after it, says."""
        known = {name: event.body[name] for name in _PROGRESS if name in event.body}
        return replace(self, seq=event.seq, **known)

    def to_json(self) -> dict[str, Any]:
        """The body of a `status` reply; what is in it is shared, not copied."""
        return codec.write(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> JobStatus:
        """Read what `to_json` wrote; unknown fields are ignored. Raises BadMessage."""
        return codec.read(cls, body, lambda why: BadMessage(f"The status can't be read: {why}."))


@dataclass(frozen=True)
class Event:
    """A hint from the engine; `status` is the truth. `blob` is a small JPEG, or None."""

    topic: str
    type: str
    engine_id: str
    body: dict[str, Any] = field(default_factory=dict)
    blob: bytes | None = None

    @property
    def job_id(self) -> str:
        """The job that the event is about, or ""."""
        return self.topic.removeprefix("job.") if self.topic.startswith("job.") else ""

    @property
    def seq(self) -> int:
        """The job's seq at the event; 0 for events that have none."""
        seq = self.body.get("seq", 0)
        return seq if isinstance(seq, int) else 0
