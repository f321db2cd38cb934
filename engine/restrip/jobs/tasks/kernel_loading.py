"""The kernels of propagation, loaded (the first time compiled) while the processor paints keys.

keys      [paint][paint][paint]
beside    [kernels   ]           segments begin with kernels that are there
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from restrip.jobs.tasks.registry import WorkerMemory
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.timeline import FrameRange

SIZE = (64, 48)
LENGTH = 3


class _Still:
    """A window of frames that are all the same."""

    size = SIZE
    frames = FrameRange(0, LENGTH)

    def __init__(self) -> None:
        y, x = np.mgrid[: SIZE[1], : SIZE[0]]
        self.picture = Frame(np.ascontiguousarray(np.stack([x * 3, y * 5, x * y], 2).astype(np.uint8)))

    def frame(self, n: int) -> Frame:
        """Frame n."""
        return self.picture


def load_kernels() -> None:
    """Carry two keys through a few small frames, strokes kept whole: that loads what a segment takes."""
    window = _Still()
    keys = StyledKey(0, window.picture, window.picture), StyledKey(LENGTH, window.picture, window.picture)
    for _ in propagate(window, keys, PropagateSettings(strokes="crisp"), silent):
        pass


@contextmanager
def kernels_beside(memory: WorkerMemory) -> Iterator[None]:
    """What is done inside has the kernels loaded beside it, once in a worker; at its end they are there.

    Only what runs no kernel itself may be inside. What can't be loaded is told by whoever needs it.
    """
    if memory.kernels:
        yield
        return
    memory.kernels = True
    with ThreadPoolExecutor(1, thread_name_prefix="kernels") as beside:
        beside.submit(load_kernels)
        yield
