"""Two keys' pieces in one picture, as crisp as the keys."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.propagate.cpu.strokes.crisp import crisp, shown
from restrip.propagate.cpu.strokes.paint import Laid
from restrip.propagate.energy.crisp import LEAST, MOST
from restrip.propagate.energy.paint import FINE
from restrip.propagate.energy.style import CODE

H, W = 80, 100


def fine(picture: np.ndarray) -> np.ndarray:
    return picture - cv2.GaussianBlur(picture, (0, 0), FINE)


def grain(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, (H, W, 3)).astype(np.float32)
    return 120 + 25 * cv2.GaussianBlur(noise, (0, 0), 0.8) / 0.35


def key(picture: np.ndarray, energy: float = 1.0) -> Laid:
    own = np.full((H, W), energy * np.square(fine(picture)).sum(2).mean(), np.float32)
    return Laid(picture * np.float32(CODE), own, own, np.zeros((H, W, 2), np.int16))


def energy(picture: np.ndarray) -> float:
    return float(np.square(fine(picture))[15:-15, 15:-15].sum(2).mean())


def test_each_place_is_the_keys_own_where_nothing_was_lost():
    turn = np.zeros((H, W), np.float32)
    turn[:, W // 2 :] = 1
    out = crisp(key(grain(1)), key(grain(2)), turn) / CODE
    np.testing.assert_allclose(out[:, :30].mean(), grain(1)[:, :30].mean(), atol=0.5)
    assert np.abs(out[:, :30] - grain(1)[:, :30]).mean() < 0.1 * np.abs(fine(grain(1))).mean()
    assert np.abs(out[:, -30:] - grain(2)[:, -30:]).mean() < 0.1 * np.abs(fine(grain(2))).mean()


def test_detail_that_a_mean_loses_is_brought_back():
    half = np.full((H, W), 0.5, np.float32)
    a, b = grain(1), grain(2)
    wanted = (energy(a) + energy(b)) / 2
    assert energy((a + b) / 2) < 0.6 * wanted
    assert energy(crisp(key(a), key(b), half) / CODE) == pytest.approx(wanted, rel=0.1)


@pytest.mark.parametrize(("much", "times"), [(100.0, MOST), (0.01, LEAST)])
def test_no_more_than_so_far(much, times):
    a, none = grain(1), np.zeros((H, W), np.float32)
    out = crisp(key(a, much), key(a, much), none) / CODE
    assert energy(out) == pytest.approx(times**2 * energy(a), rel=0.08)


@pytest.mark.parametrize("deep", [False, True])
def test_shown_in_part_over_another_picture(deep):
    base, whole = np.full((4, 5, 3), 10000, np.uint16), np.full((4, 5, 3), 30000, np.float32)
    for part, value in ((0.25, 15000), (1.0, 30000)):
        out = shown(base, whole, np.full(base.shape[:2], part, np.float32), deep)
        assert out.dtype == (np.uint16 if deep else np.uint8)
        assert (out == (value if deep else int(value / CODE + 0.5))).all()
    assert (whole == 30000).all() and (base == 10000).all()


def test_what_goes_beyond_white_and_black_is_cut():
    whole = np.float32([[[-5000, 70000, 65535]]])
    base = np.zeros((1, 1, 3), np.uint16)
    np.testing.assert_array_equal(shown(base, whole, np.ones((1, 1), np.float32), True), [[[0, 65535, 65535]]])
    np.testing.assert_array_equal(shown(base, whole, np.ones((1, 1), np.float32), False), [[[0, 255, 255]]])
