"""Two keys with different strokes: one is shown a place, and what agrees is averaged."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from stroke_grain import SIZE, grain

from restrip.propagate.cpu.detail_selection import Strokes
from restrip.propagate.cpu.kernels.mixing import mix_apart, sum_up
from restrip.propagate.cpu.mixing import Votes, rendered
from restrip.propagate.energy.detail_selection import FARTHEST, SHARP, cell_of, odds_of
from restrip.propagate.energy.mix_weights import MixWeights
from restrip.propagate.energy.mixing import SUMS
from restrip.propagate.energy.style import CODE

HALVES = MixWeights(1, 1)


def said(picture: np.ndarray, weight: np.ndarray | float = 1.0) -> Votes:
    weights = np.broadcast_to(np.float32(weight), picture.shape[:2]).copy()
    return Votes((picture * CODE).astype(np.float32) * weights[..., None], weights)


def shown(left: Votes, right: Votes, shares: MixWeights = HALVES, deep: bool = False) -> np.ndarray:
    found = Strokes.of((left.total, left.weight), (right.total, right.weight))
    return rendered(left, right, shares, deep, found) / np.float32(CODE if deep else 1)


def spread(picture: np.ndarray) -> float:
    return float((picture - cv2.GaussianBlur(np.float32(picture), (0, 0), 5)).std())


@pytest.mark.parametrize("deep", [False, True])
def test_strokes_that_differ_stay_crisp_where_their_mean_goes_soft(deep):
    left, right = said(120 + grain(1)), said(120 + grain(2))
    one = spread(120 + grain(1))
    assert spread(rendered(left, right, MixWeights(1, 1), deep) / (CODE if deep else 1)) < 0.75 * one
    assert spread(shown(left, right, deep=deep)) > 0.83 * one


def test_each_place_shows_one_of_them():
    a, b = 120 + grain(1), 120 + grain(2)
    picture = shown(said(a), said(b))
    off = [cv2.boxFilter(np.abs(picture - key).mean(2), -1, (9, 9)) for key in (a, b)]
    nearer = np.minimum(*off) / np.maximum(*off)
    assert np.median(nearer) < 0.65  # of a mean: near 1
    assert all(float((one < other).mean()) > 0.2 for one, other in (off, off[::-1]))


def test_strokes_that_agree_are_averaged_as_before():
    rng = np.random.default_rng(3)
    alike = 120 + grain(1)
    left, right = (said(alike + rng.normal(0, 2, alike.shape)) for _ in range(2))
    for shares in (MixWeights(1, 1), MixWeights(0.9, 0.3)):
        np.testing.assert_array_equal(shown(left, right, shares), rendered(left, right, shares, False))


def test_plain_colours_are_averaged_however_they_differ():
    left, right = (said(np.full((SIZE[1], SIZE[0], 3), value)) for value in (60.0, 180.0))
    np.testing.assert_array_equal(shown(left, right), rendered(left, right, MixWeights(1, 1), False))


def test_colour_is_averaged_under_strokes_that_are_not():
    left, right = said(90 + grain(1, 20)), said(160 + grain(2, 20))
    for part in (0.2, 0.5, 0.8):
        picture = shown(left, right, MixWeights(1 - part, part))
        assert picture.mean() == pytest.approx(90 + 70 * part, abs=1.5)


def test_places_are_handed_over_once_and_not_all_at_a_time():
    a, b = 120 + grain(1), 120 + grain(2)
    left, right = said(a), said(b)
    parts = np.linspace(0, 1, 21)
    pictures = [shown(left, right, MixWeights((1 - p) ** 0.5, p**0.5)) for p in parts]
    np.testing.assert_allclose(pictures[0], a, atol=0.51)
    np.testing.assert_allclose(pictures[-1], b, atol=0.51)
    along = np.sum((b - a) ** 2)
    done = np.array([float(((picture - a) * (b - a)).sum() / along) for picture in pictures])
    assert (np.diff(done) > -1e-3).all()
    assert np.diff(done).max() < 0.08  # a mean, linear in time: .05
    steps = sum(np.abs(one - other).mean() for one, other in pairwise(pictures))
    assert steps < 1.08 * np.abs(b - a).mean()  # nothing goes back and forth


def test_the_stronger_strokes_are_preferred_so_far():
    weak, strong = said(120 + grain(1, 6)), said(120 + grain(2))
    assert spread(shown(weak, strong)) > 0.9 * spread(120 + grain(2))
    early = shown(weak, strong, MixWeights(0.97, 0.24))
    assert spread(early) < 1.3 * spread(120 + grain(1, 6))


def test_where_one_key_knows_nothing_the_others_strokes_are_shown():
    weight = np.ones((SIZE[1], SIZE[0]), np.float32)
    weight[:, : SIZE[0] // 2] = 1e-5
    a, b = 120 + grain(1), 120 + grain(2)
    picture = shown(said(a, weight), said(b, weight[:, ::-1]))
    assert np.abs(picture - b)[:, :64].max() <= 1
    assert np.abs(picture - a)[:, -64:].max() <= 1


def test_a_key_without_a_share_leaves_no_trace():
    a, b = said(120 + grain(1)), said(120 + grain(2))
    for shares, only in ((MixWeights(1, 0), a), (MixWeights(0, 1), b)):
        np.testing.assert_array_equal(shown(a, b, shares), rendered(only, only, MixWeights(1, 0), False))


def test_odds_are_sharpened_shares_and_end_somewhere():
    assert odds_of(1, 1) == 0
    assert odds_of(1, 2) == pytest.approx(SHARP * np.log(2))
    assert odds_of(2, 1) == -odds_of(1, 2)
    assert odds_of(0, 1) == SHARP * FARTHEST


@pytest.mark.parametrize(("size", "cell"), [((40, 30), 4), ((960, 540), 8), ((1080, 1920), 15), ((3840, 2160), 30)])
def test_cells_grow_with_the_picture(size, cell):
    assert cell_of(size) == cell


@pytest.mark.parametrize(("size", "cell"), [((24, 16), 4), ((23, 17), 5), ((3, 2), 4)])
def test_sums_are_means_over_cells(size, cell):
    rng = np.random.default_rng(4)
    (w, h), pictures = size, [rng.uniform(0, 255, (size[1], size[0], 3)).astype(np.float32) for _ in range(2)]
    weights = [rng.uniform(0.1, 2, (h, w)).astype(np.float32) for _ in range(2)]
    totals = [picture * weight[..., None] for picture, weight in zip(pictures, weights, strict=True)]
    out = np.empty((-(-h // cell), -(-w // cell), SUMS), np.float32)
    sum_up(totals[0], weights[0], totals[1], weights[1], cell, np.float32(0.5), out)
    a, b = (0.5 * picture for picture in pictures)
    squares = [(p * p).sum(2, keepdims=True) for p in (a, b, b - a)]
    every = np.concatenate([a, b, *squares, *(weight[..., None] for weight in weights)], 2)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            expected = every[i * cell : (i + 1) * cell, j * cell : (j + 1) * cell].mean((0, 1))
            np.testing.assert_allclose(out[i, j], expected, rtol=1e-4)


@pytest.mark.parametrize(("size", "cell"), [((24, 16), 4), ((23, 17), 5), ((3, 2), 4)])
def test_cells_are_read_between_their_middles(size, cell):
    rng = np.random.default_rng(5)
    (w, h), rows, columns = size, -(-size[1] // cell), -(-size[0] // cell)
    cells = np.zeros((5, rows, columns), np.float32)
    cells[0], cells[1] = 1, rng.uniform(0, 1, (rows, columns))
    one = np.ones((h, w), np.float32)
    out, scale = np.empty((h, w, 3), np.uint16), np.float32(1)
    black, white = np.zeros((h, w, 3), np.float32), np.full((h, w, 3), 60000, np.float32)
    mix_apart(black, one, scale, white, one, scale, scale, np.float32(65535), cell, cells, out)
    every = cv2.resize(cells[1], (columns * cell, rows * cell), interpolation=cv2.INTER_LINEAR)[:h, :w]
    np.testing.assert_allclose(out[..., 0] / 60000, every, atol=1e-3)
