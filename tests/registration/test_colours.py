"""Colours beside edges: what a key whose edges are strokes' still shows."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.registration.cells import Pair
from restrip.registration.colours import with_colours
from restrip.registration.refine import refine_affine
from restrip.registration.warp import Shift, Warp

SIZE = 320, 240


@pytest.fixture(scope="module")
def areas() -> np.ndarray:
    """Soft areas of colour without a line, [H, W, 3] uint8."""
    random = np.random.default_rng(3)
    coarse = random.integers(30, 226, (16, 20, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def stroked(picture: np.ndarray) -> np.ndarray:
    """Other colours, under strokes that have edges of their own."""
    random = np.random.default_rng(5)
    other = 255 - picture[..., (2, 0, 1)] // 2
    made = other.copy()
    for _ in range(2500):
        x, y = (int(random.integers(side)) for side in SIZE)
        colour = other[y, x].astype(int) + int(random.integers(-14, 15))
        end = x + int(random.integers(-7, 8)), y + int(random.integers(-7, 8))
        cv2.line(made, (x, y), end, tuple(int(c) for c in np.clip(colour, 0, 255)), 3)
    return made


def test_a_shift_under_strokes_is_found_nearer_by_colours(areas: np.ndarray) -> None:
    truth = Warp(SIZE, np.array([[1, 0, 2.0], [0, 1, -1.5]]))
    field = (2 * Warp.still(SIZE).field() - truth.field()).astype(np.float32)
    key = cv2.remap(stroked(areas), field, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    edges = Pair.of(areas, key, None, 1080)
    both, alike = with_colours(edges, areas, key, Warp.still(SIZE))
    assert alike > 0.5
    assert both.frame.shape == (*SIZE[::-1], 6) and (both.frame[..., :3] == edges.frame).all()
    missed = []
    for pair in (edges, both):
        found = refine_affine(pair, Warp.still(SIZE), rounds=8, free=(0, 1))
        missed.append(Shift.of(Warp(SIZE, np.eye(2, 3) + found.affine - truth.affine)).mean)
    assert missed[1] < 0.35 and missed[1] < 0.7 * missed[0], missed


def test_what_a_key_doesnt_show_has_no_colours(areas: np.ndarray) -> None:
    alpha = np.ones(SIZE[::-1], np.float32)
    alpha[:, :100] = 0
    pair = Pair.of(areas, stroked(areas), alpha, 1080)
    both, _ = with_colours(pair, areas, stroked(areas), Warp.still(SIZE))
    assert not both.key[:, :100, 3:].any() and both.key[:, 110:, 3:].any()


def test_how_well_colours_tell_the_keys(areas: np.ndarray) -> None:
    grain = np.random.default_rng(3).integers(0, 255, areas.shape).astype(np.uint8)
    keys = areas, stroked(areas), cv2.GaussianBlur(grain, (0, 0), 2)
    alike = [with_colours(Pair.of(areas, key, None, 1080), areas, key, Warp.still(SIZE))[1] for key in keys]
    assert alike[0] > 0.95 > alike[1] > 0.45 > alike[2]
