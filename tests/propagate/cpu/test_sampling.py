"""Pictures read between their pixels."""

from __future__ import annotations

import cv2
import numpy as np
from scenes import constant_flow, texture

from restrip.propagate.cpu.sampling import added, every_nth, local_error, pull, repeated, taken

SIZE = (13, 9)


def test_whole_pixels_are_moved_exactly_and_edges_repeat():
    picture = texture(SIZE, 1)
    seen = pull(picture, constant_flow(SIZE, 2, -1))
    np.testing.assert_array_equal(seen[1:, :-2], picture[:-1, 2:])
    np.testing.assert_array_equal(seen[1:, -2:], np.repeat(picture[:-1, -1:], 2, 1))
    np.testing.assert_array_equal(seen[0], seen[1])
    assert seen.dtype == np.uint8


def test_half_way_between_two_pixels_is_their_mean():
    ramp = np.tile(np.arange(13, dtype=np.float32) * 10, (9, 1))
    seen = pull(ramp, constant_flow(SIZE, 0.5, 0.5))
    np.testing.assert_allclose(seen[:-1, :-1], ramp[:-1, :-1] + 5, atol=1e-4)


def test_each_pixel_follows_its_own_motion():
    picture = np.arange(9 * 13, dtype=np.float32).reshape(9, 13)
    flow = constant_flow(SIZE, 0, 0)
    flow[4, 6] = -3, 2
    seen = pull(picture, flow)
    assert seen[4, 6] == picture[6, 3]
    seen[4, 6] = picture[4, 6]
    np.testing.assert_array_equal(seen, picture)


def test_the_kernel_is_the_callers_and_so_is_the_number_of_channels():
    pair = np.dstack([np.eye(9, 13, dtype=np.float32)] * 2)
    seen = pull(pair, constant_flow(SIZE, 0.4, 0.4), cv2.INTER_NEAREST)
    np.testing.assert_array_equal(seen, pair)


def test_local_error_is_a_mean_over_a_window_of_squares_summed_over_channels():
    a, b = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 100, np.uint8)
    b[4, 4] = 103, 96, 100
    error = local_error(a, b, 3)
    expected = np.zeros((9, 9), np.float32)
    expected[3:6, 3:6] = (9 + 16) / 9
    np.testing.assert_allclose(error, expected, rtol=1e-5)
    np.testing.assert_array_equal(error, local_error(b, a, 3))


def test_channels_are_added_as_numpy_adds_them():
    for channels in (2, 3):
        picture = np.random.default_rng(channels).normal(0, 60, (9, 13, channels)).astype(np.float32)
        np.testing.assert_array_equal(added(picture), picture.sum(2))


def test_every_nth_pixel_is_whole_whatever_lies_between_them_in_memory():
    picture = texture(SIZE, 3)
    flow = constant_flow(SIZE, 1.5, -2)
    for whole in (picture, flow, picture[:, :, ::-1], picture[1:, 2:]):
        np.testing.assert_array_equal(every_nth(whole, 2), whole[::2, ::2])
        assert every_nth(whole, 2).flags.c_contiguous


def test_a_field_takes_the_numbers_at_its_places():
    rng = np.random.default_rng(2)
    plane = rng.normal(size=(9, 13)).astype(np.float32)
    field = np.stack([rng.integers(0, 13, (5, 7)), rng.integers(0, 9, (5, 7))], 2).astype(np.int16)
    np.testing.assert_array_equal(taken(plane, field), plane[field[..., 1], field[..., 0]])
    flow = rng.normal(size=(9, 13, 2)).astype(np.float32)
    np.testing.assert_array_equal(flow * repeated(plane, 2), flow * plane[..., None])
