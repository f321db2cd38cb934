"""Motion sharpened by least squares."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import brighter, constant_flow, inside, sliding

from restrip.propagate.motion import gray_of
from restrip.propagate.refine import FARTHEST, TURNS, Gradients, refined

SIZE = (100, 70)


@pytest.mark.parametrize("start", [(1.5, 0.5), (2.5, 1.7), (2.9, 0.4)])
def test_a_flow_that_is_a_little_off_comes_to_the_truth(start):
    key, frame = sliding(2, SIZE, (2.2, 1.1))
    before = constant_flow(SIZE, *start)
    flow = refined(Gradients.of(gray_of(frame)), gray_of(key), before)
    wrong = np.linalg.norm(inside(flow, 10) - [2.2, 1.1], axis=2).mean()
    assert wrong < 0.45 * np.hypot(start[0] - 2.2, start[1] - 1.1)


def test_the_flow_that_was_given_stays_as_it_was():
    key, frame = sliding(2, SIZE, (1, 0))
    before = constant_flow(SIZE, 0, 0)
    refined(Gradients.of(gray_of(frame)), gray_of(key), before)
    assert not before.any()


def test_flat_places_stay_where_they_are():
    flat = np.full((70, 100), 80, np.uint8)
    before = constant_flow(SIZE, 3.3, -1.2)
    np.testing.assert_array_equal(refined(Gradients.of(flat), flat, before), before)


def test_no_place_goes_far():
    key, frame = (gray_of(p) for p in sliding(2, SIZE, (20, 0), seed=4))
    flow = refined(Gradients.of(frame), key, constant_flow(SIZE, 0, 0))
    assert np.abs(flow).max() <= TURNS * FARTHEST
    assert np.abs(flow).max() > 0.5  # it tried


def test_gradients_are_slopes_a_pixel():
    ramp = np.tile(np.arange(60, dtype=np.uint8) * 3, (40, 1))
    found = Gradients.of(ramp)
    np.testing.assert_allclose(inside(found.x, 2), 3, atol=1e-4)
    np.testing.assert_allclose(inside(found.y, 2), 0, atol=1e-4)
    np.testing.assert_array_equal(found.luma, ramp)


def test_a_little_light_does_not_move_much():
    key = sliding(1, SIZE, (0, 0))[0]
    frame = brighter(key, 1.0, 6)
    flow = refined(Gradients.of(gray_of(frame)), gray_of(key), constant_flow(SIZE, 0, 0))
    assert np.abs(inside(flow, 10)).mean() < 0.3
