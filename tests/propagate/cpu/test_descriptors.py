"""Sixteen numbers for a neighbourhood."""

from __future__ import annotations

import numpy as np
from scenes import inside, shifted, texture

from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.energy.descriptors import DETAIL, MEAN_GAIN, NUMBERS, TAPS, WINDOW, polynomials

SIZE = (40, 30)


def grey(luma: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(luma).astype(np.uint8)[..., None], 3, 2)


def test_the_polynomials_are_orthonormal_under_the_window():
    x = np.arange(TAPS) - TAPS // 2
    window = np.exp(-x * x / (2 * WINDOW**2))
    basis = polynomials()
    inner = (basis / window) @ basis.T
    np.testing.assert_allclose(inner / inner[0, 0], np.eye(4), atol=1e-5)


def test_a_flat_grey_has_a_mean_and_nothing_else():
    numbers = describe(grey(np.full((30, 40), 100)))
    np.testing.assert_array_equal(numbers[..., 0], round(100 * np.sqrt(3) * MEAN_GAIN))
    assert not numbers[..., 1:].any()


def test_chroma_is_told_from_luma():
    red, grey_of_same_sum = np.zeros((30, 40, 3), np.uint8), np.full((30, 40, 3), 50, np.uint8)
    red[..., 0] = 150
    a, b = describe(red)[15, 20], describe(grey_of_same_sum)[15, 20]
    assert a[0] == b[0]
    assert a[10] == round(150 * np.sqrt(0.5) * MEAN_GAIN)
    assert a[13] == round(150 * np.sqrt(1 / 6) * MEAN_GAIN)


def test_a_ramp_answers_in_its_own_direction():
    across = inside(describe(grey(np.tile(np.arange(40) * 4.0, (30, 1)))), 4)
    down = inside(describe(grey(np.tile(np.arange(30) * 4.0, (40, 1)).T)), 4)
    assert (across[..., 1] > 100).all()
    assert not across[..., 2:].any()
    # luma's numbers: 1 x x2 x3 | y xy x2y | y2 xy2 | y3
    assert (down[..., 4] == across[0, 0, 1]).all()
    assert not down[..., 1:4].any()
    assert not down[..., 5:].any()


def test_what_moves_keeps_its_numbers():
    wide = texture((60, 50), 4)
    here, there = describe(shifted(wide, SIZE, 5, 6)), describe(shifted(wide, SIZE, 9, 8))
    np.testing.assert_array_equal(here[6:-4, 8:-4], there[4:-6, 4:-8])


def test_distance_is_the_windowed_difference_of_smooth_patches():
    y, x = np.mgrid[0:30, 0:40] - np.float32([[[15]], [[20]]])
    one, other = 100 + 3 * x + 2 * y, 112 - 2 * x + 0.5 * x * y
    a, b = (describe(grey(p))[15, 20].astype(np.float64) for p in (one, other))
    taps = np.arange(TAPS) - TAPS // 2
    window = np.exp(-taps * taps / (2 * WINDOW**2))
    patch = (np.rint(one) - np.rint(other))[12:19, 17:24] * np.sqrt(3)
    basis = polynomials()
    scale = (basis[0] ** 2 / window).sum()  # how much longer the basis is than an orthonormal one
    mean = (patch * np.outer(window, window)).sum() / window.sum() ** 2
    around = ((patch - mean) ** 2 * np.outer(window, window)).sum()
    middle = mean**2 * window.sum() ** 2
    expected = scale**2 * (DETAIL**2 * around + middle)
    assert abs(((a - b) ** 2).sum() / expected - 1) < 0.02


def test_edges_repeat_and_extremes_fit():
    rng = np.random.default_rng(0)
    for size in ((1, 1), (3, 2), (33, 47)):
        picture = rng.integers(0, 2, (size[1], size[0], 3), np.uint8) * np.uint8(255)
        numbers = describe(picture)
        assert numbers.shape == (size[1], size[0], NUMBERS)
        padded = np.pad(picture, ((3, 3), (3, 3), (0, 0)), "edge")
        np.testing.assert_array_equal(inside(describe(padded), 3), numbers)
    assert np.abs(numbers).max() < 2**15 - 1
