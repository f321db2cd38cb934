"""Sums of predictions, and pictures of them, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.propagate.cpu.kernels.mixing import add, mix

RNG = np.random.default_rng(3)


def some(*shape: int, most: float = 65535) -> np.ndarray:
    return RNG.uniform(0, most, shape).astype(np.float32)


def test_add_sums_what_is_worth_something():
    style, worth = some(7, 9, 3), some(7, 9, most=1)
    total, weight = some(7, 9, 3), some(7, 9)
    expected = total + worth[..., None] * style, weight + worth
    add(style, worth, total, weight)
    np.testing.assert_allclose(total, expected[0], rtol=1e-6)
    np.testing.assert_allclose(weight, expected[1], rtol=1e-6)


@pytest.mark.parametrize(("dtype", "scale", "top"), [(np.uint8, 1 / 257, 255), (np.uint16, 1.0, 65535)])
def test_mix_is_a_weighted_mean_rounded(dtype, scale, top):
    a, b, wa, wb = some(7, 9, 3), some(7, 9, 3), some(7, 9, most=1), some(7, 9, most=1)
    out = np.empty((7, 9, 3), dtype)
    shares = np.float32(0.7), np.float32(0.2)
    mix(a * wa[..., None], wa, shares[0], b * wb[..., None], wb, shares[1], np.float32(scale), np.float32(top), out)
    wa, wb = 0.7 * wa[..., None].astype(float), 0.2 * wb[..., None].astype(float)
    expected = (wa * a + wb * b) / (wa + wb) * scale
    assert np.abs(out - expected).max() <= 0.5 + 0.01 * (top == 65535) + 1e-3


@pytest.mark.parametrize(("value", "expected"), [(-500.0, 0), (257 * 80.4, 80), (257 * 80.6, 81), (70000.0, 255)])
def test_pictures_are_rounded_and_clipped(value, expected):
    one = np.ones((2, 3), np.float32)
    total = np.full((2, 3, 3), value, np.float32)
    out = np.empty((2, 3, 3), np.uint8)
    mix(total, one, *np.float32([1]), total, one, *np.float32([0, 1 / 257, 255]), out)
    assert (out == expected).all()
