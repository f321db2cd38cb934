"""How often a process died lately."""

from __future__ import annotations

import time
from collections import deque

from restrip.service.limits import Limits


class Deaths:
    """The times of the last deaths: more than `limits.restarts` within `limits.restarts_within_s` are too many."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._times: deque[float] = deque()

    def __len__(self) -> int:
        return len(self._times)

    def too_many(self) -> bool:
        """Count one more, now; whether that is one too many."""
        now = time.monotonic()
        self._times.append(now)
        while now - self._times[0] > self._limits.restarts_within_s:
            self._times.popleft()
        return len(self._times) > self._limits.restarts

    def forget(self) -> None:
        """Begin anew."""
        self._times.clear()
