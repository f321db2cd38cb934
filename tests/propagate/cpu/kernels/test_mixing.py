"""Sums of predictions, and pictures of them, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.propagate.cpu.kernels.mixing import _between, add, mix, mix_apart, sum_up
from restrip.propagate.energy.mixing import EVEN, SUMS

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


def test_cells_hold_means_of_both_pictures_of_their_squares_and_weights():
    """7 x 9 in cells of 4: those at the right and at the bottom are smaller."""
    a, b = some(7, 9, 3, most=200), some(7, 9, 3, most=200)
    wa, wb = 0.1 + some(7, 9, most=1), 0.1 + some(7, 9, most=1)
    out = np.full((2, 3, SUMS), np.nan, np.float32)
    sum_up(a * wa[..., None], wa, b * wb[..., None], wb, 4, np.float32(0.5), out)
    p, q = a.astype(float) / 2, b.astype(float) / 2
    squares = [(plane**2).sum(axis=2) for plane in (p, q, q - p)]
    planes = np.dstack([p, q, *squares, wa, wb])
    expected = [[planes[y : y + 4, x : x + 4].mean(axis=(0, 1)) for x in (0, 4, 8)] for y in (0, 4)]
    np.testing.assert_allclose(out, expected, rtol=1e-4)


def between(cells: np.ndarray, size: tuple[int, int], cell: int) -> np.ndarray:
    """Cells [N, h, w] as planes [N, H, W] of a picture: bilinear between their middles, those at the edges go on."""
    rows, columns = (
        np.clip((np.arange(n) + 0.5) / cell - 0.5, 0, most - 1) for n, most in zip(size, cells.shape[1:], strict=True)
    )
    y, x = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below, beside = np.minimum(y + 1, cells.shape[1] - 1), np.minimum(x + 1, cells.shape[2] - 1)
    ty, tx = (rows - y)[:, None], columns - x
    upper = cells[:, y][:, :, x] * (1 - tx) + cells[:, y][:, :, beside] * tx
    return upper * (1 - ty) + (cells[:, below][:, :, x] * (1 - tx) + cells[:, below][:, :, beside] * tx) * ty


@pytest.mark.parametrize(("size", "cell"), [((11, 14), 4), ((9, 10), 5), ((3, 3), 4)])
def test_cells_are_read_between_their_middles(size, cell):
    cells = some(5, -(-size[0] // cell), -(-size[1] // cell), most=10)
    line, expected = np.empty((5, size[1]), np.float32), between(cells.astype(float), size, cell)
    for y in range(size[0]):
        line[:] = np.nan
        _between(cells, y, cell, line)
        np.testing.assert_allclose(line, expected[:, y], atol=1e-4)


def test_details_turn_to_one_key_as_far_as_their_cells_say():
    a, b, wa, wb = some(6, 9, 3), some(6, 9, 3), 0.2 + some(6, 9, most=1), 0.2 + some(6, 9, most=1)
    cells = np.stack([some(2, 3, most=1), some(2, 3, most=1), *some(3, 2, 3, most=3000)])
    shares, out = (np.float32(0.6), np.float32(0.3)), np.empty((6, 9, 3), np.uint16)
    scales = np.float32(1), np.float32(65535)
    mix_apart(a * wa[..., None], wa, shares[0], b * wb[..., None], wb, shares[1], *scales, 4, cells, out)
    apart, right, *low = between(cells.astype(float), (6, 9), 4)
    part = 0.3 * wb / (0.6 * wa + 0.3 * wb)
    even = np.minimum(EVEN * wa * wb / (wa + wb) ** 2, 1)
    d, turn = b - a, even * apart * (right - part)
    expected = a + part[..., None] * d + turn[..., None] * (d - np.dstack(low))
    assert np.abs(out - np.clip(expected, 0, 65535)).max() <= 0.6
