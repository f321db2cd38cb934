"""A writer on a thread of its own, so that encoding one frame and making the next one overlap."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from restrip.media.frame import Frame
from restrip.media.light import SceneLight
from restrip.media.writer import MovieWriter

WAITING_FRAMES = 2
"""So many frames may wait to be written: they take memory, and more of them would gain nothing."""


class BackgroundWriter:
    """A MovieWriter that is written to from a thread of its own; the file is the same, to the bit.

    What writing raises comes from a later `write`, or at the end. On an exception nothing stays. A context manager.
    """

    def __init__(self, writer: MovieWriter) -> None:
        self._writer = writer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encode")
        self._waiting: deque[Future[None]] = deque()

    def write(self, frame: Frame) -> None:
        """Append a frame, in a while; waits when too many wait already."""
        self._room()
        self._waiting.append(self._thread.submit(self._writer.write, frame))

    def write_light(self, light: SceneLight) -> None:
        """The same for a picture of light."""
        self._room()
        self._waiting.append(self._thread.submit(self._writer.write_light, light))

    def _room(self) -> None:
        while len(self._waiting) >= WAITING_FRAMES:
            self._waiting.popleft().result()

    def __enter__(self) -> BackgroundWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The writer's own end knows what to do about either way.
        with self._writer:
            try:
                if error is not None:
                    raise error
                while self._waiting:
                    self._waiting.popleft().result()
            finally:
                self._thread.shutdown(wait=True, cancel_futures=True)
