from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from restrip.media import Frame, MovieWriter
from restrip.media.background_writer import BackgroundWriter
from restrip.media.frame import SizeMismatch
from restrip.timeline import Rate

FRAMES = [Frame(np.full((48, 64, 3), 20 * n, np.uint8)) for n in range(10)]


def writer(path: Path) -> MovieWriter:
    return MovieWriter(path, (64, 48), Rate.of(25), "h264")


def test_the_file_is_the_same_to_the_bit_and_another_thread_wrote_it(tmp_path):
    with writer(tmp_path / "plain.mp4") as plain:
        for frame in FRAMES:
            plain.write(frame)
    threads = set()

    class Told(MovieWriter):
        def write(self, frame: Frame) -> None:
            threads.add(threading.get_ident())
            super().write(frame)

    with BackgroundWriter(Told(tmp_path / "background.mp4", (64, 48), Rate.of(25), "h264")) as background:
        for frame in FRAMES:
            background.write(frame)
    assert (tmp_path / "background.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()
    assert len(threads) == 1 and threading.get_ident() not in threads


@pytest.mark.parametrize("place", [0, 9])
def test_what_writing_raises_is_raised_and_nothing_stays(tmp_path, place):
    frames = list(FRAMES)
    frames[place] = Frame(np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(SizeMismatch), BackgroundWriter(writer(tmp_path / "movie.mp4")) as background:
        for frame in frames:
            background.write(frame)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_of_whoever_writes_ends_the_thread_and_leaves_nothing(tmp_path):
    before = threading.active_count()
    with pytest.raises(KeyError, match="mine"), BackgroundWriter(writer(tmp_path / "movie.mp4")) as background:
        background.write(FRAMES[0])
        raise KeyError("mine")
    assert list(tmp_path.iterdir()) == [] and threading.active_count() <= before
