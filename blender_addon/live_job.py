"""A job that this Blender follows, from the click until its result is placed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from restrip.client.job import Manifest
from restrip.client.status import JobStatus
from restrip.errors import RestripError

from .engine.requests import StripRequest


@dataclass
class LiveJob:
    """A job that this Blender follows.

    `stage` is "rendering", "sending", "engine", "waiting" (for a moment to place it, or for a click), "placed",
    "stopped" or "failed". `mine` says that it was begun in the file that is open now: only then is its result placed
    unasked. `began` and `ended` are when the engine set to work and when nothing more happened by itself, in
    `time.monotonic`'s seconds; `best` is the furthest that its bar came. `again` does a small job once more; `picked`
    says that one of its seeds was chosen, `by_watch` that a watched key was saved.
    """

    job_id: str
    name: str
    stage: str
    mine: bool
    request: StripRequest | None = None
    status: JobStatus = field(default_factory=lambda: JobStatus(""))
    error: RestripError | None = None
    message: str = ""
    manifest: Manifest | None = None
    stop: Callable[[], None] | None = None
    came: Callable[[LiveJob], None] | None = None
    seeds: tuple[int, ...] = ()
    picked: bool = False
    done: float = 0.0
    began: float = 0.0
    ended: float = 0.0
    best: float = 0.0
    again: Callable[[], None] | None = None
    by_watch: bool = False

    @property
    def can_go_on(self) -> bool:
        """Whether there is something to go on with: a strip, or a job in the engine."""
        return self.request is not None or self.again is not None or bool(self.status.job_id)

    @property
    def active(self) -> bool:
        """Whether something still happens by itself."""
        return self.stage in ("rendering", "sending", "engine")
