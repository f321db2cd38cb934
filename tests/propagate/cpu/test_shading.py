"""Light that the key didn't have: a brightness ramp and what is none."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import brighter, inside, texture

from restrip.propagate.cpu.shading import SAME, Exposure, exposure, learned_gain, slopes
from restrip.propagate.energy.shading import STEEPEST, USUAL_GAIN

SIZE = (64, 48)


@pytest.mark.parametrize("slope", [-1.5, 0.0, 0.5, 1.0])
def test_the_slope_of_a_style_that_is_a_multiple_of_luma(slope):
    luma = np.random.default_rng(1).uniform(0, 255, (48, 64)).astype(np.float32)
    style = np.clip(30000 + (luma[..., None] - 128) * slope * 130, 0, 65535).astype(np.uint16).repeat(3, 2)
    found = inside(slopes(luma, style), 3)
    np.testing.assert_allclose(found, slope * 130, atol=0.01 * 130)


def test_slopes_of_flat_places_vanish_and_steep_ones_are_bounded():
    luma = np.full((20, 30), 100, np.float32)
    luma[:, 15:] = 130
    style = np.where(luma[..., None] > 110, 65000, 100).astype(np.uint16).repeat(3, 2)
    found = slopes(luma, style)
    assert not found[:, :10].any()
    assert found.max() == pytest.approx(STEEPEST * 257)


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0), (0.25, 0), (0.6, 100), (1.0, 20), (0.8, -15)])
def test_a_change_of_the_whole_picture_is_exposure(gain, offset):
    key = texture(SIZE, 3)
    found = exposure(brighter(key, gain, offset), key)
    assert found.gain == pytest.approx(gain, abs=0.05)
    assert found.offset == pytest.approx(offset, abs=7)


def test_a_ramp_of_brightness_has_a_ramp_of_gains():
    key = texture(SIZE, 3)
    gains = [exposure(brighter(key, 1 - n / 10), key).gain for n in range(11)]
    assert gains[0] == 1
    assert (np.diff(gains[2:]) < 0).all()
    np.testing.assert_allclose(gains[3:], [1 - n / 10 for n in range(3, 11)], atol=0.04)


@pytest.mark.parametrize("level", [0, 255])
def test_a_white_or_black_frame_is_white_or_black(level):
    key = texture(SIZE, 3)
    found = exposure(np.full_like(key, level), key)
    assert found.gain == pytest.approx(0, abs=0.01)
    assert found.offset == pytest.approx(level, abs=1)


def test_what_is_not_exposure():
    key = texture(SIZE, 3)
    assert exposure(key, key) is SAME
    assert exposure(brighter(key, 1, 3), key).same  # less than noise
    half = key.copy()
    half[:, :32] = brighter(key, 0.4)[:, :32]
    assert abs(exposure(half, key).gain - 1) < 0.2  # a shadow over a part


def test_part_of_an_exposure():
    assert Exposure(0.5, 20).partly(0.5) == Exposure(0.75, 10)
    assert Exposure(0.5, 20).partly(1) == Exposure(0.5, 20)
    assert Exposure(0.5, 20).partly(0).same


def test_a_frame_is_seen_in_another_light():
    scene = texture(SIZE, 3)
    frame = brighter(scene, 0.5, 20)
    assert np.abs(Exposure(0.5, 20).relit(frame, SAME).astype(int) - scene).max() <= 1
    quarter = Exposure(0.5, 20).relit(frame, Exposure(0.25, 100))
    assert np.abs(quarter.astype(int) - brighter(scene, 0.25, 100)).max() <= 1
    assert Exposure(0.5, 20).relit(frame, Exposure(0.5, 20)) is frame
    assert Exposure(0.01, 250).relit(frame, SAME) is frame


def test_a_key_is_seen_in_the_frames_light():
    key = texture(SIZE, 3)
    assert Exposure().on(key) is key
    np.testing.assert_array_equal(Exposure(0.5, 10).on(key), brighter(key, 0.5, 10))
    np.testing.assert_array_equal(Exposure(3, -50).on(key[..., 0]), brighter(key, 3, -50)[..., 0])


def test_exposure_is_the_same_or_not():
    assert Exposure().same
    assert not Exposure(1.1).same
    assert not Exposure(1, 2).same


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (33, 47)])
def test_every_size_has_an_exposure(size):
    key = np.full((size[1], size[0], 3), 200, np.uint8)
    found = exposure(brighter(key, 0.5), key)
    assert found.gain * 200 + found.offset == pytest.approx(100, abs=2)


def predictions(gain: float, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    plain = rng.uniform(40, 200, (48, 64, 3)).astype(np.float32)
    correction = rng.normal(0, 8, plain.shape).astype(np.float32)
    truth = plain + np.float32(gain) * correction + rng.normal(0, noise, plain.shape).astype(np.float32)
    return plain, plain + correction, truth.astype(np.float32), np.ones((48, 64), np.float32)


@pytest.mark.parametrize("gain", [0.0, 0.4, 1.0])
def test_the_gain_is_what_the_other_key_shows(gain):
    assert learned_gain(*predictions(gain)) == pytest.approx(gain, abs=0.01)
    assert learned_gain(*predictions(gain, noise=5)) == pytest.approx(gain, abs=0.03)


def test_the_gain_has_bounds():
    assert learned_gain(*predictions(-0.8)) == 0
    assert learned_gain(*predictions(3)) == pytest.approx(1.2)


def test_keys_that_differ_in_colour_alone_teach_nothing_wrong():
    plain, moved, truth, worth = predictions(0.7)
    assert learned_gain(plain, moved, truth + np.float32([30, -40, 10]), worth) == pytest.approx(0.7, abs=0.01)


def test_only_places_that_are_known_count():
    plain, moved, truth, worth = predictions(0.5)
    truth[:, :20] = 255 - truth[:, :20]
    worth[:, :20] = 1e-4
    assert learned_gain(plain, moved, truth, worth) == pytest.approx(0.5, abs=0.02)


def test_the_usual_gain_where_nothing_can_be_learned():
    plain, _, truth, worth = predictions(0.5)
    assert learned_gain(plain, plain, truth, worth) == pytest.approx(USUAL_GAIN)
    assert learned_gain(plain, plain, truth, worth * 0) == pytest.approx(USUAL_GAIN)
