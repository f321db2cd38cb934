"""What a prediction is worth."""

from __future__ import annotations

import numpy as np

from restrip.propagate.cpu.confidence import weight_of
from restrip.propagate.energy.confidence import FLOOR


def flat(error: float) -> np.ndarray:
    return np.full((20, 30), error, np.float32)


def test_nothing_wrong_is_worth_one():
    np.testing.assert_allclose(weight_of(flat(0)), 1, rtol=1e-6)


def test_worth_falls_with_the_square_of_the_error():
    np.testing.assert_allclose(weight_of(flat(FLOOR)), 1 / 4, rtol=1e-5)
    np.testing.assert_allclose(weight_of(flat(9 * FLOOR)), 1 / 100, rtol=1e-5)
    far = weight_of(flat(1000 * FLOOR))[0, 0] / weight_of(flat(2000 * FLOOR))[0, 0]
    assert 3.9 < far < 4.1


def test_one_bad_pixel_is_worth_little_and_only_its_neighbourhood_knows():
    errors = flat(0)
    errors[10, 15] = 100 * FLOOR
    worth = weight_of(errors)
    assert worth.argmin() == 10 * 30 + 15
    assert worth[10, 15] < 0.02
    assert worth[10, 16] < worth[10, 18] < 1
    np.testing.assert_allclose(worth[:, :8], 1, rtol=1e-5)


def test_errors_are_left_as_they_were():
    errors = flat(7)
    weight_of(errors)
    np.testing.assert_array_equal(errors, flat(7))
