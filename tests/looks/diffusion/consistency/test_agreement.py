from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks.diffusion.consistency.agreement import agreement, flicker, gradients


@pytest.fixture
def pan() -> list[np.ndarray]:
    """Three frames of a pan, 6 pixels a frame."""
    noise = cv2.GaussianBlur(np.random.default_rng(2).random((120, 240, 3)).astype(np.float32), (0, 0), 3)
    whole = (255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    return [np.ascontiguousarray(whole[:, 6 * n : 6 * n + 160]) for n in range(3)]


def test_a_style_that_moves_with_the_picture_agrees(pan) -> None:
    inverted = agreement(pan, [255 - frame for frame in pan])
    assert inverted.relative == pytest.approx(1, abs=0.05) and inverted.correlation == pytest.approx(-1, abs=1e-3)
    assert inverted.seen > 0.85


def test_one_that_stands_still_or_boils_does_not(pan) -> None:
    rng = np.random.default_rng(0)
    strokes = rng.integers(0, 120, pan[0].shape).astype(np.uint8)
    still = [frame // 2 + strokes for frame in pan]
    boiling = [frame // 2 + rng.integers(0, 120, frame.shape).astype(np.uint8) for frame in pan]
    assert agreement(pan, still).relative > 5 and flicker(pan, boiling) > 5


def test_blur_shows_in_the_energy(pan) -> None:
    blurred = agreement(pan, [cv2.GaussianBlur(frame, (0, 0), 4) for frame in pan])
    assert blurred.energy < 0.4 * agreement(pan, pan).energy


def test_gradients() -> None:
    ramp = np.zeros((3, 4, 3), np.uint8)
    ramp[:] = np.arange(4)[None, :, None] * 10
    assert gradients(ramp)[0] == pytest.approx(np.full((2, 3), 10.0))
    assert not gradients(ramp)[1].any()
