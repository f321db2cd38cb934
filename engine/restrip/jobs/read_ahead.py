"""A clip's next frame read on a thread of its own, while the one before it is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

from restrip.media.frame import Frame
from restrip.timeline import FrameRange


class ReadAhead:
    """Reads frames by number with `read`, never two at once; whoever goes through them in order, forwards or
    backwards, finds the next one read.
    """

    def __init__(self, read: Callable[[int], Frame]) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._ahead: tuple[int, Future[Frame]] | None = None
        self._last: int | None = None

    def frame(self, n: int, frames: FrameRange) -> Frame:
        """Frame n; beyond `frames` nothing is read ahead. Raises what `read` raises."""
        found = self._taken(n)
        if found is None:
            found = self._read(n)
        step = 0 if self._last is None else n - self._last
        self._last = n
        if step in (1, -1) and n + step in frames:
            self._ahead = n + step, self._thread.submit(self._read, n + step)
        return found

    def settle(self) -> None:
        """Wait until nothing is being read, and forget it."""
        if self._ahead is not None:
            wait([self._ahead[1]])
            self._ahead = None

    def close(self) -> None:
        """End the thread."""
        self.settle()
        self._thread.shutdown()

    def _taken(self, n: int) -> Frame | None:
        """Frame n when it was read ahead; what was read in vain, or couldn't be read, is nobody's trouble."""
        if self._ahead is None or self._ahead[0] != n:
            self.settle()
            return None
        ahead = self._ahead[1]
        self._ahead = None
        return ahead.result()
