"""Fields come back as they were put aside."""

from __future__ import annotations

import numpy as np

from restrip.propagate.cpu.strokes.field_spool import FieldSpool


def field(seed: int, size: tuple[int, int] = (33, 17)) -> np.ndarray:
    """Any places up to the largest pictures."""
    return np.random.default_rng(seed).integers(0, 16384, (size[1], size[0], 2)).astype(np.int16)


def test_the_last_one_comes_first_and_to_the_bit(tmp_path):
    fields = [field(n) for n in range(3)]
    with FieldSpool((33, 17), str(tmp_path)) as spool:
        for one in fields:
            spool.push(one)
        np.testing.assert_array_equal(spool.peek(), fields[2])
        assert len(spool) == 3
        np.testing.assert_array_equal(spool.pop(), fields[2])
        spool.push(fields[0])  # over what was taken off
        for expected in (fields[0], fields[1], fields[0]):
            np.testing.assert_array_equal(spool.pop(), expected)
        assert len(spool) == 0
    assert list(tmp_path.iterdir()) == []


def test_pieces_that_move_together_take_little_room(tmp_path):
    x, y = np.meshgrid(np.arange(640), np.arange(360))
    whole = np.dstack([x + 3, y - 2]).astype(np.int16)
    with FieldSpool((640, 360), str(tmp_path)) as spool:
        spool.push(whole)
        assert spool._ends[-1] < whole.nbytes / 50
        np.testing.assert_array_equal(spool.pop(), whole)


def test_places_below_zero_and_pictures_of_odd_sizes_come_back(tmp_path):
    for size in ((1, 1), (7, 3), (9, 1)):
        shape = (size[1], size[0], 2)
        with FieldSpool(size, str(tmp_path)) as spool:
            for one in (np.full(shape, -1, np.int16), np.full(shape, 32767, np.int16), field(1, size) - 9000):
                spool.push(one)
                np.testing.assert_array_equal(spool.pop(), one)
