"""The next segment of a job begun while the last frames of the one before are carried: each fills the other's waits.

   part 0   [walk back][walk forth ........]
   part 1                      [walk back][walk forth .|.......]      taken over when its own task comes

Nothing of it counts before that: it is cached, and its progress told, by its own task. When another task comes instead,
or none for a while, it is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from threading import Event
from typing import Any

from restrip.errors import Cancelled
from restrip.jobs.tasks.registry import Progressed

Rendered = dict[str, Any]
Render = Callable[[Progressed, Callable[[], None]], Rendered]
"""Renders a segment: given how to report, and what to call before it is cached."""

FROM = 0.6
"""How much of a segment is done when the next one is begun: two at a time for a while, and not all the way."""
PIXELS = 1_000_000
"""Larger frames take memory, and keep all cores busy by themselves."""
ALONE_S = 2.0
"""So long it goes on after the task that began it."""
LOOK_S = 0.05


class SegmentAhead:
    """Segment `part` of the job in folder `job`, rendered by `render` on a thread of its own."""

    def __init__(self, job: Path | None, part: int, render: Render) -> None:
        self.of = job, part
        self._taken: Progressed | None = None
        self._own, self._dropped = Event(), Event()
        self._until: float | None = None
        self._gave_up = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        self._rendered = self._thread.submit(copy_context().run, render, self._report, self._cached)

    def is_for(self, message: Mapping[str, Any]) -> bool:
        """Is this task from the supervisor the segment's own?"""
        named = Path(message["job"]) if message.get("job") else None
        body = message.get("body", {})
        return message.get("kind") == "part" and not message.get("attempt") and self.of == (named, body.get("part"))

    def taken(self, report: Progressed) -> Rendered | None:
        """What its own task returns; progress goes to `report` from now on. Raises what rendering it raised.

        None when it had been given up by then.
        """
        self._taken = report
        self._own.set()
        try:
            return self._rendered.result()
        except Cancelled:
            if self._gave_up:
                return None
            raise
        finally:
            self._thread.shutdown()

    def left(self) -> None:
        """The task that began it is over."""
        self._until = time.monotonic() + ALONE_S

    def drop(self) -> None:
        """Nobody wants it: return when it has ended."""
        self._dropped.set()
        self._thread.shutdown()

    def _report(self, phase: str, done: int, total: int, **more: Any) -> None:
        if not self._own.is_set():
            self._stay()
        if self._taken is not None:
            self._taken(phase, done, total, **more)

    def _cached(self) -> None:
        """Wait for its own task."""
        while not self._own.wait(LOOK_S):
            self._stay()

    def _stay(self) -> None:
        """Raise Cancelled when nobody wants it."""
        alone = self._until is not None and time.monotonic() > self._until
        if self._dropped.is_set() or alone:
            self._gave_up = True
            raise Cancelled
