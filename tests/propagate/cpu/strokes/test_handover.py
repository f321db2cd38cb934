"""Each place is handed over once, whole, at a time of its own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.propagate.cpu.strokes.handover import HandOver
from restrip.propagate.cpu.strokes.paint import Laid
from restrip.propagate.energy.handover import CELLS, across_at
from restrip.timeline import FrameRange

SIZE = (180, 120)
H, W = SIZE[1], SIZE[0]


def strokes(seed: int) -> np.ndarray:
    """[H, W, 3] float32 code values."""
    noise = np.random.default_rng(seed).normal(0, 1, (H, W)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), 2)
    return np.repeat(120 + 60 * noise[..., None] / noise.std(), 3, 2).astype(np.float32)


def shows(worth: np.ndarray | float = 1.0, by: int = 0, energy: np.ndarray | float = 300.0) -> Laid:
    """A key, moved `by` pixels to the right."""
    x, y = np.meshgrid(np.clip(np.arange(W) - by, 0, W - 1), np.arange(H))
    field = np.dstack([x, y]).astype(np.int16)
    worth, energy = (np.broadcast_to(np.float32(of), (H, W)).copy() for of in (worth, energy))
    return Laid(np.zeros((H, W, 3), np.float32), worth, energy, field)


HANDED = HandOver.of(strokes(1), strokes(2))
TIMES = np.linspace(0, 1, 41)


def test_it_begins_with_the_left_key_and_ends_with_the_right_one():
    assert (HANDED.at(0, shows(), shows()) == 0).all()
    assert (HANDED.at(1, shows(), shows()) == 1).all()


def test_no_place_goes_back_and_each_takes_a_short_time():
    turns = np.stack([HANDED.at(t, shows(), shows()) for t in TIMES])
    assert (np.diff(turns, axis=0) >= -1e-6).all()
    between = ((turns > 0.02) & (turns < 0.98)).sum(0)
    assert np.median(between) <= 10  # of 41: no fade over all of it


def test_as_many_places_at_any_time():
    done = np.array([HANDED.at(t, shows(), shows()).mean() for t in TIMES])
    np.testing.assert_allclose(done[4:-4], TIMES[4:-4], atol=0.08)


def later(cells: int) -> np.ndarray:
    """How much later than its left neighbour that many cells away each place is handed over, either way."""
    far = cells * (min(SIZE) // CELLS)
    return np.abs(HANDED.times[:, far:] - HANDED.times[:, :-far])


def test_four_neighbours_are_handed_over_one_after_the_other_and_the_next_four_far_from_that():
    assert later(2).mean() > 0.3
    assert np.quantile(later(1), 0.4) < 0.12


def test_a_drafts_places_change_over_when_the_full_pictures_do():
    """In pixels three times as long: the same cells, which are eight pixels at least of the full picture."""
    small = [cv2.resize(strokes(seed), (W // 3, H // 3), interpolation=cv2.INTER_AREA) for seed in (1, 2)]
    full = cv2.resize(HANDED.times, (W // 3, H // 3), interpolation=cv2.INTER_NEAREST)
    alike, apart = (np.abs(HandOver.of(*small, pixel).times - full).mean() for pixel in (1 / 3, 1.0))
    assert alike < 0.12 < 0.2 < apart


def test_borders_run_where_both_agree():
    apart = np.abs(strokes(1) - strokes(2)).mean(2)
    border = np.abs(np.diff(HANDED.times, axis=1)) > 0
    assert 0.01 < border.mean() < 0.4
    assert apart[:, 1:][border].mean() < 0.75 * apart.mean()


def test_times_move_with_the_left_keys_pieces():
    here, moved = HANDED.at(0.5, shows(), shows()), HANDED.at(0.5, shows(by=7), shows())
    np.testing.assert_allclose(moved[:, 27:-17], here[:, 20:-24], atol=1e-4)


def test_what_the_left_key_does_not_know_is_the_rights_and_the_other_way():
    worth = np.ones((H, W), np.float32)
    worth[:, : W // 2] = 1e-4
    early, late = HANDED.at(0.2, shows(worth), shows()), HANDED.at(0.8, shows(), shows(worth))
    assert early[:, : W // 2 - 10].min() == 1
    assert late[:, : W // 2 - 10].max() == 0


SOFTER = np.where(np.arange(W) < W // 2, np.float32(60), np.float32(300)) * np.ones((H, 1), np.float32)


def test_in_the_middle_the_stronger_strokes_are_shown_for_longer():
    even, left, right = (
        HANDED.at(0.5, shows(energy=a), shows(energy=b))[:, : W // 2 - 12].mean()
        for a, b in ((300, 300), (SOFTER, 300), (300, SOFTER))
    )
    assert right + 0.05 < even < left - 0.05


def test_a_look_that_is_stronger_all_over_is_shown_no_longer():
    there, here = (HANDED.at(0.5, shows(), shows(energy=energy)) for energy in (3000, 300))
    np.testing.assert_allclose(there, here, atol=1e-3)


def test_stronger_strokes_change_nothing_at_either_key_and_no_place_goes_back_for_them():
    strong = np.where(np.arange(W) % 40 < 20, np.float32(0), np.float32(5000)) * np.ones((H, 1), np.float32)
    assert (HANDED.at(0, shows(energy=0), shows(energy=strong)) == 0).all()
    assert (HANDED.at(1, shows(energy=strong), shows(energy=0)) == 1).all()
    turns = np.stack([HANDED.at(t, shows(energy=strong), shows(energy=5000 - strong)) for t in TIMES])
    assert (np.diff(turns, axis=0) >= -1e-6).all()


@pytest.mark.parametrize(
    ("frame", "fade", "across"),
    [(10, None, 0.5), (5, (8, 12), 0), (11, (8, 12), 0.75), (12, (8, 12), 1), (7, (8, 8), 0), (8, (8, 8), 1)],
)
def test_a_fade_says_when(frame, fade, across):
    assert across_at(frame, (0, 20), None if fade is None else FrameRange(*fade)) == across


@pytest.mark.parametrize(("frame", "across"), [(8, 0), (14, 0.25), (20, 0.5), (26, 0.75), (32, 1), (40, 1)])
def test_places_are_handed_over_in_a_long_fades_middle(frame, across):
    assert across_at(frame, (0, 40), None) == pytest.approx(across, abs=1e-9)
    assert across_at(frame + 9, (0, 90), FrameRange(9, 49)) == pytest.approx(across, abs=1e-9)
