from __future__ import annotations

import threading

import numpy as np
import pytest

from restrip.jobs.read_ahead import ReadAhead
from restrip.media import Frame
from restrip.timeline import FrameRange

ALL = FrameRange(0, 12)


class Clip:
    """Frames whose grey is their number; it knows who asked for which, and refuses two at once."""

    def __init__(self, broken: int = -1) -> None:
        self.asked: list[int] = []
        self.threads: set[str] = set()
        self._busy, self._broken = threading.Lock(), broken

    def read(self, n: int) -> Frame:
        assert self._busy.acquire(blocking=False)
        try:
            self.asked.append(n)
            self.threads.add(threading.current_thread().name.partition("_")[0])
            if n == self._broken:
                raise OSError("gone")
            return Frame(np.full((2, 2, 3), n, np.uint8))
        finally:
            self._busy.release()


@pytest.mark.parametrize("order", [range(12), range(11, -1, -1), [3, 9, 4, 5, 6, 2, 1, 0, 0, 11]])
def test_every_order_gives_the_frames_that_were_asked_for(order):
    clip = Clip()
    ahead = ReadAhead(clip.read)
    assert [int(ahead.frame(n, ALL).rgb[0, 0, 0]) for n in order] == list(order)
    ahead.close()


def test_in_order_each_frame_is_read_once_and_mostly_ahead():
    clip = Clip()
    ahead = ReadAhead(clip.read)
    for n in range(2, 8):
        ahead.frame(n, FrameRange(2, 8))
    ahead.close()
    assert clip.asked == list(range(2, 8)) and "decode" in clip.threads


def test_what_cant_be_read_is_said_to_whoever_asks_for_it():
    ahead = ReadAhead(Clip(broken=3).read)
    for n in range(3):
        ahead.frame(n, ALL)
    assert ahead.frame(7, ALL).rgb[0, 0, 0] == 7
    for n in (1, 2):
        ahead.frame(n, ALL)
    with pytest.raises(OSError, match="gone"):
        ahead.frame(3, ALL)
    ahead.close()
