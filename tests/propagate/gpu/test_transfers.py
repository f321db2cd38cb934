"""Pictures on their way: copied by several threads, kept for the next walk."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from restrip.media.frame import Frame  # noqa: E402
from restrip.propagate.gpu import transfers  # noqa: E402
from restrip.propagate.gpu.transfers import Uploads, copied  # noqa: E402
from restrip.propagate.gpu_memory import KEPT_MIB, kept_frames  # noqa: E402


@pytest.mark.parametrize("shape", [(7, 5, 3), (3, 900, 3), (1, 1, 3)])
def test_large_pictures_are_copied_in_parts_and_whole(monkeypatch, shape):
    monkeypatch.setattr(transfers, "LARGE", 0)
    picture = np.random.default_rng(0).integers(0, 1 << 16, shape, np.uint16)
    for one in (picture, picture[:, ::-1]):
        into = np.zeros_like(picture)
        copied(one, into)
        np.testing.assert_array_equal(into, one)


def test_the_last_frames_stay_and_no_more():
    asked = []

    def picture(n):
        asked.append(n)
        return Frame(np.full((2, 3, 3), n, np.uint8))

    uploads = Uploads(torch.device("cpu"), 2)
    for n in (3, 2, 1, 1, 2, 3, 2):
        assert uploads.frame(n, lambda n=n: picture(n)).unique().tolist() == [n]
    assert asked == [3, 2, 1, 3]
    none = Uploads(torch.device("cpu"))
    for _ in range(2):
        none.frame(4, lambda: picture(4))
    assert asked[4:] == [4, 4]


def test_frames_stay_where_there_is_memory_left():
    assert kept_frames((3840, 2160), 10_000) == (KEPT_MIB << 20) // (3 * 3840 * 2160) == 21
    assert kept_frames((1920, 1080), 60) == 10
    assert kept_frames((1920, 1080), -500) == 0
