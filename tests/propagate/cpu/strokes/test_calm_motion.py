"""Motion that strokes are carried along: none where nothing moves, smooth where something does."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import constant_flow, inside, occluder, sliding, texture

from restrip.propagate.cpu.motion import gray_of, step
from restrip.propagate.cpu.strokes.calm_motion import CalmMotion, still, textured, trusted

SIZE = (160, 120)


def noisy(picture: np.ndarray, seed: int, sigma: float = 2.0) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def test_nothing_moves_under_grain():
    frame = texture(SIZE)
    motion = CalmMotion(frame)
    for n in range(4):
        flow = motion.next(noisy(frame, n))
        assert motion.step is not None and (motion.step == 0).all()
        assert np.abs(flow).max() < 0.1


def test_what_slides_is_followed():
    frames = sliding(6, SIZE, (1.5, -0.5))
    motion = CalmMotion(frames[0])
    for n in range(1, 6):
        flow = motion.next(frames[n])
        assert np.abs(inside(flow, 16) - np.float32([1.5 * n, -0.5 * n])).max() < 0.3


def test_only_what_moves_is_moved():
    frames, masks = occluder(5, SIZE, (2, 1))
    motion = CalmMotion(frames[0])
    for n in range(1, 5):
        motion.next(frames[n])
    assert motion.step is not None
    far = np.zeros(masks[4].shape, bool)
    far[:12], far[-12:] = True, True
    assert np.abs(motion.step[far]).max() < 1e-3
    assert np.abs(motion.step[52:68, 68:88] - np.float32([-2, -1])).max() < 0.3


def test_back_at_the_key_and_at_a_frame_that_is_known():
    frames = sliding(5, SIZE, (2, 0))
    motion = CalmMotion(frames[0])
    first = [motion.next(frame) for frame in frames[1:]]
    motion.restart()
    np.testing.assert_array_equal(motion.next(frames[1]), first[0])
    motion.resume(first[1], frames[2])
    np.testing.assert_allclose(motion.next(frames[3]), first[2], atol=0.05)


def test_a_place_stands_still_where_no_motion_explains_it_better():
    a, b = sliding(2, SIZE, (3, 0))
    standing = still(gray_of(a), gray_of(noisy(a, 1)), step(gray_of(a), gray_of(noisy(a, 1))))
    moving = still(gray_of(b), gray_of(a), step(gray_of(b), gray_of(a)))
    assert standing.min() > 0.99 and inside(moving, 10).max() < 0.01


def test_plain_places_say_little_of_motion():
    picture = np.full((120, 160), 90, np.uint8)
    picture[:, 80:] = gray_of(texture((80, 120)))
    said = textured(picture)
    assert said[:, :60].max() < 0.01 and said[:, 100:].mean() > 0.8


@pytest.mark.parametrize(
    ("stretch", "misfit", "low", "high"), [(0, 0, 0.95, 1), (0.1, 0, 0.9, 1), (0.8, 0, 0, 0.1), (0, 2000, 0, 0.1)]
)
def test_torn_motion_and_other_things_are_not_trusted(stretch, misfit, low, high):
    flow = constant_flow(SIZE, 1, 2)
    flow[..., 0] += stretch * np.arange(SIZE[0])
    sure = trusted(flow, np.full((SIZE[1], SIZE[0]), misfit, np.float32))
    assert low <= inside(sure, 10).min() and inside(sure, 10).max() <= high
