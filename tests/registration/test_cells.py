"""Which places of two pictures are asked how they lie."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from restrip.registration.cells import CELL, Pair
from restrip.registration.warp import Warp

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from moved_keys import fifth, painted_over
from truths import STYLES


@pytest.fixture(scope="module")
def style(bunny):
    return STYLES["paint"](bunny.rgb)


def test_what_was_painted_over_is_not_asked(bunny, style):
    pair = Pair.of(bunny.rgb, painted_over(style), None, 1080)
    still = Warp.still(pair.size)
    known = pair.where_known(still)
    assert known.asked is not None
    rows, columns = known.asked.shape
    over = fifth(pair.size)[CELL // 2 :: CELL, CELL // 2 :: CELL][:rows, :columns]
    assert known.asked[over].mean() < 0.3 and known.asked[~over].mean() > 0.85
    before, after = pair.votes(still), known.votes(still)
    silent = known.asked.ravel() == 0
    assert not after.left[silent].any() and not after.right[silent].any() and before.left[silent].any()


def test_a_key_that_shows_all_is_asked_everywhere(bunny, style):
    pair = Pair.of(bunny.rgb, style, None, 1080)
    assert pair.where_known(Warp.still(pair.size)) is pair


def test_a_key_that_shows_nothing_is_left_to_others(bunny):
    pair = Pair.of(bunny.rgb, np.full_like(bunny.rgb, 90), None, 1080)
    assert pair.where_known(Warp.still(pair.size)).size == pair.size
