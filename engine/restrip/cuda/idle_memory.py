"""Device memory that a segment leaves behind: the next one, which mostly follows at once, takes it again as it is.

Taking gigabytes from the driver and giving them back takes it as long as some frames.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch

IDLE_S = 2.0


MOSTLY = 0.75
"""Of the GPU's memory: with less of it free, a look or another program may want what is left behind."""


def mostly_free() -> bool:
    """Is there so much that what a segment leaves is in nobody's way?"""
    if not torch.cuda.is_available():
        return False
    free, total = torch.cuda.mem_get_info()
    return free >= MOSTLY * total


def _emptied() -> None:
    torch.cuda.empty_cache()


class IdleMemory:
    """Gives it back to the driver once nothing has been carried for `idle_s` seconds."""

    def __init__(self, idle_s: float = IDLE_S, give_back: Callable[[], None] = _emptied) -> None:
        self._idle_s, self._give_back = idle_s, give_back
        self._lock, self._running = threading.Lock(), 0
        self._timer: threading.Timer | None = None

    def taken(self) -> None:
        """A segment begins."""
        with self._lock:
            self._running += 1
            self._stop()

    def left(self, at_once: bool = False) -> None:
        """It has ended; `at_once` where the next one can't use what it leaves."""
        with self._lock:
            self._running -= 1
            self._stop()
            if not self._running and not at_once:
                self._timer = threading.Timer(self._idle_s, self._give_back)
                self._timer.daemon = True
                self._timer.start()
        if at_once:
            self._give_back()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


IDLE_MEMORY = IdleMemory()
"""Of the GPU that torch would use."""
