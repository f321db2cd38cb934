"""Strokes where a key shows nothing: its own paint, in whole patches."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import Frame
from restrip.registration.correct import corrected
from restrip.registration.correction import Correction
from restrip.registration.patches import patched
from restrip.registration.warp import Warp

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from moved_keys import Move, moved


def strokes(rgb: np.ndarray) -> np.ndarray:
    """Short strokes that know nothing of the frame but its light."""
    grain = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, rgb.shape[:2]).astype(np.float32), (0, 0), 2.5)
    light = cv2.GaussianBlur(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 8)
    return np.clip(0.6 * light + 40 + 50 * np.sign(grain), 0, 255).astype(np.uint8)[..., None].repeat(3, -1)


def fine(picture: np.ndarray) -> float:
    return float((picture - cv2.GaussianBlur(picture, (0, 0), 3)).std())


@pytest.fixture(scope="module")
def laid(bunny) -> tuple[np.ndarray, np.ndarray]:
    """A key that was moved by 30 pixels, set back; and the truth."""
    truth = strokes(bunny.rgb)
    key = Frame(moved(truth, Move(-30, 0))[0])
    warp = Warp(bunny.size, np.array([[1.0, 0, -30], [0, 1.0, 0]]))
    return corrected(key, bunny, Correction(warp.to_json()))[0].rgb, truth


def test_what_a_key_doesnt_show_has_its_strokes(bunny, laid):
    made, truth = laid
    there, meant, plain = (fine(one[:, :26].astype(np.float32)) for one in (made, truth, bunny.rgb))
    assert 0.7 * meant < there < 1.3 * meant and plain < 0.5 * meant


def test_strokes_have_the_light_of_their_place(bunny, laid):
    low = [
        cv2.GaussianBlur(one.astype(np.float32).mean(-1)[:, :30], (0, 0), 12).ravel() for one in (laid[0], bunny.rgb)
    ]
    assert np.corrcoef(*low)[0, 1] > 0.5


def test_the_key_stays_to_the_bit_but_for_its_border(laid):
    made, truth = laid
    assert np.array_equal(made[:, 36:], truth[:, 36:])


def test_every_colour_is_one_of_the_keys(bunny):
    """Patches are taken whole, and none from where nothing is painted."""
    rgb = np.float32(bunny.rgb) / 255
    painted = np.zeros(rgb.shape[:2], bool)
    painted[:, 120:] = True
    key = np.where(painted[..., None], np.float32([0.2, 0.9, 0.4]), np.float32([1, 0, 0]))
    made = patched(rgb, key, painted, ~painted, rgb)
    assert np.abs(made - np.float32([0.2, 0.9, 0.4])).max() < 1e-5


@pytest.mark.parametrize("corner", [0, 20])
def test_too_little_paint_is_no_source(bunny, corner):
    """None at all, or in one corner: the frame in the key's colours stays."""
    rgb = np.float32(bunny.rgb) / 255
    painted = np.zeros(rgb.shape[:2], bool)
    painted[:corner, :corner] = True
    made = patched(rgb, np.zeros_like(rgb), painted, ~painted, rgb)
    assert np.array_equal(made[~painted], rgb[~painted])


@pytest.mark.parametrize("size", [(48, 60), (100, 48)])
def test_small_pictures_have_their_strokes_too(bunny, size):
    rgb = np.float32(bunny.rgb[: size[0], : size[1]]) / 255
    painted = np.ones(size, bool)
    painted[:6] = False
    made = patched(rgb, np.where(painted[..., None], rgb, 0), painted, ~painted, rgb)
    assert np.isfinite(made).all() and made[:6].mean() > 0.05


def test_the_frame_stays_where_a_key_is_transparent(bunny):
    """Its transparent part moves with it, and isn't painted over; what it hadn't beside paint is filled."""
    truth = strokes(bunny.rgb)
    alpha = np.full(truth.shape[:2], 255, np.uint8)
    alpha[:70] = 0
    key = Frame(moved(truth, Move(-30, 0))[0], alpha)
    warp = Warp(bunny.size, np.array([[1.0, 0, -30], [0, 1.0, 0]]))
    made, _ = corrected(key, bunny, Correction(warp.to_json()))
    assert made.alpha is not None and not made.alpha[:69].any() and (made.alpha[71:] == 255).all()
    assert fine(made.rgb[74:, :26].astype(np.float32)) > 0.6 * fine(truth[74:, :26].astype(np.float32))


@pytest.mark.parametrize("shown", [(0, 0), (24, 30)])
def test_a_key_with_no_paint_or_in_one_corner_is_set_back(bunny, shown):
    truth = strokes(bunny.rgb)
    alpha = np.zeros(truth.shape[:2], np.uint8)
    alpha[: shown[0], : shown[1]] = 255
    warp = Warp(bunny.size, np.array([[1.0, 0, 5], [0, 1.0, 3]]))
    made, _ = corrected(Frame(truth, alpha), bunny, Correction(warp.to_json()))
    assert made.alpha is not None and int((made.alpha > 0).sum()) == max(0, shown[0] - 3) * max(0, shown[1] - 5)
