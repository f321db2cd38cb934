from __future__ import annotations

import numpy as np
import pytest

from restrip.looks.palette import FOLLOWED, Palette, shift_between


def shot(mean: tuple[float, float, float], seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.06, (40, 60, 3))
    return np.clip(np.array(mean) + noise, 0, 1).astype(np.float32)


def both(frame: np.ndarray, picture: np.ndarray) -> tuple[Palette, Palette]:
    return Palette.of(frame), Palette.of(picture)


def test_an_anchors_own_picture_stays_as_it_is() -> None:
    anchor = both(shot((0.4, 0.4, 0.4), 1), shot((0.6, 0.4, 0.2), 2))
    shift = shift_between(anchor, anchor)
    assert np.allclose(shift.end, shift.start, atol=0.05)


def test_colours_come_to_the_anchors_and_a_dark_shot_stays_darker() -> None:
    anchor = both(shot((0.5, 0.5, 0.5), 1), shot((0.7, 0.5, 0.3), 2))
    frame, picture = shot((0.25, 0.25, 0.25), 3), shot((0.2, 0.3, 0.5), 4)
    changed = Palette.of(shift_between(anchor, both(frame, picture)).applied(picture))
    wanted = anchor[1]
    assert np.abs(changed.mean - wanted.mean)[1:].max() < 4 < np.abs(Palette.of(picture).mean - wanted.mean)[1:].max()
    darker = anchor[0].mean[0] - Palette.of(frame).mean[0]
    assert changed.mean[0] == pytest.approx(wanted.mean[0] - FOLLOWED[0] * darker, abs=3) and darker > 20
    all_of_it = shift_between(anchor, both(frame, picture), 1.0, (0.0, 0.0, 0.0)).applied(picture)
    assert np.abs(Palette.of(all_of_it).mean - wanted.mean).max() < 3
    half = shift_between(anchor, both(frame, picture), 0.5, FOLLOWED).applied(picture)
    assert np.abs(half - picture).mean() == pytest.approx(
        np.abs(shift_between(anchor, both(frame, picture)).applied(picture) - picture).mean() / 2, rel=0.2
    )
    none = shift_between(anchor, both(frame, picture), 0.0)
    assert np.array_equal(none.start, none.end)


def test_a_picture_of_one_colour_is_moved_and_not_torn() -> None:
    anchor = both(shot((0.5, 0.5, 0.5), 1), shot((0.7, 0.5, 0.3), 2))
    flat = np.full((40, 60, 3), 0.2, np.float32)
    flat[0, 0] = 0.21
    changed = shift_between(anchor, both(flat, flat)).applied(flat)
    assert np.abs(changed[1:] - changed[1, 0]).max() < 1e-4
    assert np.abs(changed[0, 0] - changed[1, 0]).max() < 0.05


def test_curves_rise_and_never_steeply() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        frame, picture, other, model = (
            rng.random((30, 30, 3)).astype(np.float32) ** rng.uniform(0.2, 5) for _ in range(4)
        )
        shift = shift_between(both(frame, picture), both(other, model))
        slope = np.diff(shift.end, axis=0) / np.diff(shift.start, axis=0)
        assert slope.min() > 0.49 and slope.max() < 2.01
