"""The two predictors: on what moves smoothly both are right; where motion is lost, matches find the way."""

from __future__ import annotations

import numpy as np
from scenes import constant_flow, disc, inside, negative, occluder, psnr, sliding, texture

from restrip.media.frame import Frame
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.cpu.predictors import Light, Matcher, matched, warped
from restrip.propagate.cpu.shading import Exposure
from restrip.propagate.energy.shading import REACH

SIZE = (96, 64)


def key_of(source: np.ndarray) -> Exemplar:
    return Exemplar.of(Frame(source), Frame(negative(source)))


def field_of(frame: np.ndarray, key: Exemplar, flow: np.ndarray) -> np.ndarray:
    return Matcher(key).match(describe(frame), flow, None)


def eight_bit(style: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(style / 257), 0, 255).astype(np.uint8)


def test_both_carry_a_sliding_texture():
    source, frame = sliding(2, SIZE, (3, 1))
    key, flow = key_of(source), constant_flow(SIZE, 3, 1)
    for said in (warped(frame, key, flow, Light()), matched(frame, key, field_of(frame, key, flow), Light())):
        assert psnr(inside(eight_bit(said.style), 6), inside(negative(frame), 6)) > 45
        assert inside(said.errors, 6).mean() < 3


def test_matches_find_what_the_motion_lost():
    source, frame = sliding(2, SIZE, (9, -5), seed=2)
    key, lost = key_of(source), constant_flow(SIZE, 0, 0)
    wrong = warped(frame, key, lost, Light())
    right = matched(frame, key, field_of(frame, key, lost), Light())
    truth = inside(negative(frame), 14)
    assert psnr(inside(eight_bit(right.style), 14), truth) > 12 + psnr(inside(eight_bit(wrong.style), 14), truth)
    assert inside(right.errors, 14).mean() < 0.1 * inside(wrong.errors, 14).mean()


def test_errors_say_where_the_style_is_wrong():
    frames, _ = occluder(2, SIZE, (7, 2))
    key, motion = key_of(frames[0]), KeyMotion(frames[0])
    said = warped(frames[1], key, motion.next(frames[1]), Light())
    wrong = np.abs(eight_bit(said.style).astype(int) - negative(frames[1])).sum(2)
    told = np.sqrt(said.errors)
    assert wrong[told < 4].mean() < 3
    assert wrong[told > 60].mean() > 30
    assert (told > 60).any()


def test_both_carry_a_turning_disc():
    frames, distance = disc(4, (80, 80), 4)
    key, motion = key_of(frames[0]), KeyMotion(frames[0])
    for frame in frames[1:]:
        flow = motion.next(frame)
    within = distance < 0.8
    truth = negative(frames[3])[within]
    held = psnr(negative(frames[0])[within], truth)
    for said in (warped(frame, key, flow, Light()), matched(frame, key, field_of(frame, key, flow), Light())):
        assert psnr(eight_bit(said.style)[within], truth) > held + 10


def test_a_matcher_remembers_the_frame_before():
    source = texture(SIZE, 6)
    frame = np.roll(source, (0, -31), (0, 1))  # further than a search from where the motion leads
    key, lost, still = key_of(source), constant_flow(SIZE, 0, 0), constant_flow(SIZE, 0, 0)
    again = Matcher(key)
    for _ in range(4):
        remembered = again.match(describe(frame), lost, still)
    forgetful = Matcher(key)
    for _ in range(4):
        forgotten = forgetful.match(describe(frame), lost, None)
    right = matched(frame, key, remembered, Light()).errors[8:-8, 8:56].mean()
    wrong = matched(frame, key, forgotten, Light()).errors[8:-8, 8:56].mean()
    assert right < 0.9 * wrong


def test_a_new_matcher_and_one_without_a_step_agree():
    frames = sliding(3, SIZE, (2, 0))
    key = key_of(frames[0])
    used = Matcher(key)
    used.match(describe(frames[1]), constant_flow(SIZE, 2, 0), None)
    fresh = field_of(frames[2], key, constant_flow(SIZE, 4, 0))
    np.testing.assert_array_equal(used.match(describe(frames[2]), constant_flow(SIZE, 4, 0), None), fresh)


def test_light_is_handed_on_as_the_kernels_take_it():
    assert Light().numbers() == (0, REACH, 1, 0)
    numbers = Light(0.5, Exposure(2, -3)).numbers()
    assert numbers == (0.5, REACH, 2, -3)
    assert all(isinstance(n, np.float32) for n in numbers)
