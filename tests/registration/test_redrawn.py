"""What a key doesn't show, drawn as it draws what it shows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from restrip.media import Frame
from restrip.registration.redrawn import recoloured, redrawn

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from truths import STYLES


def missed(made: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    return float(np.mean((np.clip(made, 0, 1) - truth)[where] ** 2))


@pytest.fixture(scope="module")
def known() -> np.ndarray:
    shown = np.ones((180, 320), bool)
    shown[:, :20] = shown[-6:] = False
    return shown


@pytest.mark.parametrize(("style", "left"), [("paint", 0.35), ("recolor", 0.3)])
def test_lines_and_steps_are_drawn_beyond_a_keys_border(
    bunny: Frame, known: np.ndarray, style: str, left: float
) -> None:
    frame = bunny.rgb[: known.shape[0], : known.shape[1]]
    ours, truth = (picture.astype(np.float32) / 255 for picture in (frame, STYLES[style](frame)))
    key = np.where(known[..., None], truth, 0)
    drawn, plain = redrawn(ours, key, known), recoloured(ours, key, known)
    made = drawn.picture
    assert not drawn.strokes
    assert missed(made, truth, ~known) < left * missed(plain, truth, ~known)


def test_what_tells_nothing_of_the_rest_is_left_out(bunny: Frame, known: np.ndarray) -> None:
    """Noise over the key is none of the frame's: nothing of it is drawn."""
    frame = bunny.rgb[: known.shape[0], : known.shape[1]].astype(np.float32) / 255
    key = np.clip(frame + np.random.default_rng(0).normal(0, 0.2, frame.shape), 0, 1).astype(np.float32)
    key[~known] = 0
    drawn, plain = redrawn(frame, key, known), recoloured(frame, key, known)
    assert drawn.strokes
    assert np.abs(drawn.picture - plain)[~known].max() < 1e-6


def test_grain_is_no_stroke(bunny: Frame, known: np.ndarray) -> None:
    frame = bunny.rgb[: known.shape[0], : known.shape[1]].astype(np.float32) / 255
    key = np.clip(frame + np.random.default_rng(0).normal(0, 0.02, frame.shape), 0, 1).astype(np.float32)
    assert not redrawn(frame, key, known).strokes


def test_a_key_that_shows_nearly_nothing_is_only_recoloured(bunny: Frame) -> None:
    frame = bunny.rgb[:60, :80].astype(np.float32) / 255
    shown = np.zeros((60, 80), bool)
    shown[:10, :10] = True
    assert np.isfinite(redrawn(frame, frame, shown).picture).all()
