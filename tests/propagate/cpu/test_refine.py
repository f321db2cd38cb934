"""Motion sharpened by least squares."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import brighter, constant_flow, inside, sliding

from restrip.propagate.cpu.kernels.refine import turn
from restrip.propagate.cpu.motion import gray_of
from restrip.propagate.cpu.refine import refined
from restrip.propagate.energy.refine import CALM, FARTHEST, TURNS

SIZE = (100, 70)


@pytest.mark.parametrize("start", [(1.5, 0.5), (2.5, 1.7), (2.9, 0.4)])
def test_a_flow_that_is_a_little_off_comes_to_the_truth(start):
    key, frame = sliding(2, SIZE, (2.2, 1.1))
    before = constant_flow(SIZE, *start)
    flow = refined(gray_of(frame), gray_of(key), before)
    wrong = np.linalg.norm(inside(flow, 10) - [2.2, 1.1], axis=2).mean()
    assert wrong < 0.45 * np.hypot(start[0] - 2.2, start[1] - 1.1)


def test_the_flow_that_was_given_stays_as_it_was():
    key, frame = sliding(2, SIZE, (1, 0))
    before = constant_flow(SIZE, 0, 0)
    refined(gray_of(frame), gray_of(key), before)
    assert not before.any()


def test_flat_places_stay_where_they_are():
    flat = np.full((70, 100), 80, np.uint8)
    before = constant_flow(SIZE, 3.3, -1.2)
    np.testing.assert_array_equal(refined(flat, flat, before), before)


def test_no_place_goes_far():
    key, frame = (gray_of(p) for p in sliding(2, SIZE, (20, 0), seed=4))
    flow = refined(frame, key, constant_flow(SIZE, 0, 0))
    assert np.abs(flow).max() <= TURNS * FARTHEST
    assert np.abs(flow).max() > 0.5  # it tried


def test_a_turn_is_least_squares_over_a_window_with_the_frames_gradients():
    key, frame = (gray_of(p) for p in sliding(2, SIZE, (0.4, -0.3), seed=9))
    moved = np.empty((SIZE[1], SIZE[0], 2), np.float32)
    turn(frame, key, constant_flow(SIZE, 0, 0), 2, np.float32(CALM), np.float32(FARTHEST), moved)
    gx, gy = (cv2.Scharr(frame, cv2.CV_64F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1)))
    missing = frame.astype(float) - key
    y, x = 31, 57
    window = np.s_[y - 2 : y + 3, x - 2 : x + 3]
    gradients = np.stack([gx[window].ravel(), gy[window].ravel()])
    tensor = gradients @ gradients.T / 25 + CALM * np.eye(2)
    expected = np.linalg.solve(tensor, gradients @ missing[window].ravel() / 25)
    assert np.abs(expected).max() < FARTHEST
    np.testing.assert_allclose(moved[y, x], expected, rtol=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 90), (31, 61)])
def test_every_size_is_refined(size):
    key, frame = (gray_of(p) for p in sliding(2, size, (1, 0), seed=2))
    flow = refined(frame, key, constant_flow(size, 0, 0))
    assert flow.shape == (size[1], size[0], 2)
    assert np.isfinite(flow).all()


def test_a_little_light_does_not_move_much():
    key = sliding(1, SIZE, (0, 0))[0]
    frame = brighter(key, 1.0, 6)
    flow = refined(gray_of(frame), gray_of(key), constant_flow(SIZE, 0, 0))
    assert np.abs(inside(flow, 10)).mean() < 0.3
