from __future__ import annotations

import numpy as np

from restrip.looks.diffusion.consistency.colour_match import matched

RNG = np.random.default_rng(0)
PICTURE = (RNG.random((40, 60, 3)) * 0.4 + 0.3).astype(np.float32)
ALL = np.ones((40, 60), np.float32)


def test_a_tint_is_taken_back() -> None:
    tinted = np.clip(PICTURE * 0.95 + np.float32([0.06, -0.02, 0.03]), 0, 1).astype(np.float32)
    back = matched(tinted, PICTURE, ALL, 1.0)
    assert np.abs(back - PICTURE).mean() < 0.2 * np.abs(tinted - PICTURE).mean()
    half = matched(tinted, PICTURE, ALL, 0.5)
    assert np.allclose(half, (tinted + back) / 2, atol=1e-5)


def test_only_what_both_show_is_compared() -> None:
    seen = ALL.copy()
    seen[:, 30:] = 0
    anchor = PICTURE.copy()
    anchor[:, 30:] = 0  # something else, there
    assert np.abs(matched(PICTURE, anchor, seen, 1.0) - PICTURE).max() < 0.01


def test_nothing_in_common_or_no_strength_changes_nothing() -> None:
    assert matched(PICTURE, PICTURE * 0, ALL * 0, 1.0) is PICTURE
    assert matched(PICTURE, PICTURE * 0, ALL, 0.0) is PICTURE


def test_contrast_changes_little() -> None:
    flat = np.full_like(PICTURE, 0.5)
    out = matched(PICTURE, flat, ALL, 1.0)
    assert out.std() > 0.7 * PICTURE.std()
