"""How far a key reaches."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import brighter, shifted, sliding, texture

from restrip.propagate.key_coverage import BLOCKS, HORIZON_FRAMES, CoverageWalk, KeyCoverage, error_between

SIZE = (96, 54)
ALL = BLOCKS[0] * BLOCKS[1]


def walked(pictures, candidates, numbers=None) -> KeyCoverage:
    walk = CoverageWalk(candidates)
    for number, picture in zip(numbers or range(len(pictures)), pictures, strict=True):
        walk.take(number, picture)
    return walk.reach


def flat(*errors: float) -> list[np.ndarray]:
    return [np.full(ALL, error, np.float32) for error in errors]


def test_a_still_picture_is_reached_from_everywhere():
    reach = walked([texture(SIZE, 1)] * 5, [1])
    assert len(reach.errors[1]) == 4  # itself, and the three after it
    assert not np.array(reach.errors[1]).any()
    np.testing.assert_array_equal(reach.pictures[1], texture(SIZE, 1))
    assert set(reach.steps) == {1, 2, 3, 4}


def test_motion_is_followed():
    frames = sliding(6, SIZE, (2, 0))
    reach = walked(frames, [0])
    held = float(((frames[5].astype(float) - frames[0]) ** 2).mean())
    assert reach.at(0, 5).mean() < 0.1 * held


def test_a_backward_walk_counts_from_the_key_too():
    frames = sliding(6, SIZE, (2, 0))
    reach = walked(frames[::-1], [5, 3], range(5, -1, -1))
    assert len(reach.errors[5]) == 6
    assert len(reach.errors[3]) == 4
    assert reach.at(5, 0).max() == 0


def test_new_content_stays_in_its_block():
    ground = texture((160, 90), 3)
    changed = ground.copy()
    changed[40:50, 60:70] = 255 - changed[40:50, 60:70]
    errors = walked([ground, changed], [0]).errors[0][1].reshape(BLOCKS[1], BLOCKS[0])
    assert errors.argmax() == 4 * BLOCKS[0] + 6
    assert errors[0].max() < 0.05 * errors.max()


def test_a_cut_is_a_step_that_leaves_much():
    steps = walked([texture(SIZE, 1), texture(SIZE, 1), texture(SIZE, 2)], [0]).steps
    assert steps[1] == 0
    assert steps[2] > 100


def test_another_light_is_no_cut():
    scene = texture(SIZE, 1)
    steps = walked([scene, brighter(scene, 0.4), np.zeros_like(scene), texture(SIZE, 2)], [0]).steps
    assert steps[1] < 10
    assert steps[2] < 10
    assert steps[3] > 100
    calm = brighter(texture(SIZE, 2), 0.4, 100)
    assert walked([scene, calm], [0]).steps[1] > 100


def test_beyond_the_horizon_nothing_is_followed_any_more():
    still = [shifted(texture(SIZE, 1), (48, 27), 0, 0)] * (HORIZON_FRAMES + 5)
    reach = walked(still, [0])
    assert len(reach.errors[0]) == HORIZON_FRAMES + 1
    assert not reach.at(0, 3 * HORIZON_FRAMES).any()


def test_beyond_the_horizon_errors_grow_as_before():
    reach = KeyCoverage(
        errors={0: flat(*range(HORIZON_FRAMES + 1)), 1: flat(*[100 - n for n in range(HORIZON_FRAMES + 1)])}
    )
    np.testing.assert_allclose(reach.at(0, 90), 90)
    np.testing.assert_allclose(reach.at(0, HORIZON_FRAMES), HORIZON_FRAMES)
    np.testing.assert_allclose(reach.at(1, 90), 100 - HORIZON_FRAMES)
    short = KeyCoverage(errors={0: flat(0, 1, 2)})
    np.testing.assert_allclose(short.at(0, 9), 2)


def test_between_two_keys_each_block_is_the_better_ones():
    ahead, back = KeyCoverage(), KeyCoverage()
    ahead.errors = {0: flat(0, 4, 9)}
    back.errors = {3: flat(0, 6, 1)}
    assert error_between((0, 3), range(0, 3), ahead, back) == pytest.approx(0 + 1 + 6)
    assert error_between((0, None), range(0, 3), ahead, back) == pytest.approx(13)
    assert error_between((None, 3), range(1, 3), ahead, back) == pytest.approx(7)
    half = np.where(np.arange(ALL) % 2, 100, 2).astype(np.float32)
    ahead.errors, back.errors = {0: [half, half]}, {2: [half, half[::-1].copy()]}
    assert error_between((0, 2), [1], ahead, back) == pytest.approx(2)
    assert error_between((0, 2), [], ahead, back) == 0


def test_long_stretches_are_sampled_and_scaled():
    ahead = KeyCoverage(errors={0: flat(*range(61))})
    whole = error_between((0, None), range(0, 1000), ahead, KeyCoverage())
    assert whole == pytest.approx(sum(range(1000)), rel=0.02)
