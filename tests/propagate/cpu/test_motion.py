"""Motion whose truth is known: a texture that slides, a square before a still ground, a disc that turns."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import brighter, constant_flow, disc, inside, occluder, sliding, texture

from restrip.propagate.cpu import motion
from restrip.propagate.cpu.motion import (
    KeyMotion,
    Lead,
    StepMotion,
    direct,
    extend,
    gray_of,
    light_between,
    pixels_of,
    step,
)
from restrip.propagate.energy.effort import QUICK, WHOLE

SIZE = (120, 80)


def off(flow: np.ndarray, x: object, y: object) -> np.ndarray:
    """How far each vector of a flow lies from the true one, pixels."""
    return np.hypot(flow[..., 0] - x, flow[..., 1] - y)


def better(frame: np.ndarray, key: np.ndarray, flows: list[np.ndarray]) -> np.ndarray:
    first, second = (Lead.of(flow, pixels_of(frame), pixels_of(key)) for flow in flows)
    return first.or_better(second).flow


def shrunk(mask: np.ndarray, by: int) -> np.ndarray:
    return cv2.erode(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0


def test_a_step_of_a_sliding_texture_is_its_speed_and_leads_back():
    first, second = (gray_of(f) for f in sliding(2, SIZE, (2.5, 1)))
    wrong = off(inside(step(second, first), 8), 2.5, 1)
    assert wrong.mean() < 0.05
    assert wrong.max() < 0.3


def test_a_drafts_steps_are_as_fine():
    first, second = (gray_of(f) for f in sliding(2, SIZE, (2.5, 1)))
    assert off(inside(step(second, first, QUICK), 8), 2.5, 1).mean() < 0.1
    tiny = gray_of(texture((20, 40), 3))
    assert step(tiny, tiny, QUICK).shape == (40, 20, 2)


def test_a_draft_checks_the_walked_motion_against_the_key_now_and_then(monkeypatch):
    checked = []
    monkeypatch.setattr(motion, "direct", lambda frame, key: checked.append(n) or direct(frame, key))
    frames = sliding(10, SIZE, (1.5, 1))
    walk = KeyMotion(frames[0], QUICK)
    for n in range(1, 10):
        flow = walk.next(frames[n])
    assert checked == [4, 8]
    assert off(inside(flow, 24), 9 * 1.5, 9).mean() < 0.4


@pytest.mark.parametrize("effort", [WHOLE, QUICK])
def test_nothing_moves_in_a_still_picture(effort):
    picture = texture(SIZE, 3)
    motion = KeyMotion(picture, effort)
    for _ in range(5):
        assert not motion.next(picture).any()


def test_a_chain_does_not_lose_a_sliding_texture():
    frames = sliding(9, SIZE, (2.5, 1))
    motion = KeyMotion(frames[0])
    for n, frame in enumerate(frames[1:], 1):
        wrong = off(inside(motion.next(frame), 24), 2.5 * n, n)
        assert wrong.mean() < 0.1, n
        assert wrong.max() < 1, n
        assert off(inside(motion.step, 24), 2.5, 1).mean() < 0.1, n


def test_a_square_moves_before_a_ground_that_stays():
    frames, masks = occluder(6, SIZE, (3, 1))
    motion = KeyMotion(frames[0])
    for n in range(1, 6):
        flow = motion.next(frames[n])
        still = shrunk(~(masks[n] | masks[0]), 6)
        assert off(flow, -3 * n, -n)[shrunk(masks[n], 6)].mean() < 0.6
        assert off(flow, 0, 0)[still].mean() < 0.1


def test_a_disc_turns_before_a_ground_that_stays():
    frames, distance = disc(6, (96, 96), 5)
    x, y = np.meshgrid(np.arange(96) - 47.5, np.arange(96) - 47.5)
    motion = KeyMotion(frames[0])
    for n in range(1, 6):
        flow, turn = motion.next(frames[n]), np.radians(5 * n)
        truth = np.cos(turn) * x - np.sin(turn) * y - x, np.sin(turn) * x + np.cos(turn) * y - y
        assert off(flow, *truth)[distance < 0.75].mean() < 0.6
        assert off(flow, 0, 0)[distance > 1.3].mean() < 0.25


def test_flows_are_extended_from_where_they_lead():
    size = (20, 10)
    rest = constant_flow(size, 0, 0)
    rest[:, 10:] = 5, -1
    there = extend(constant_flow(size, 4, 0), rest)
    np.testing.assert_allclose(there[:, :5], np.broadcast_to([4.0, 0.0], (10, 5, 2)))
    np.testing.assert_allclose(there[:, 6:], np.broadcast_to([9.0, -1.0], (10, 14, 2)))
    first = constant_flow(size, 4, 0)
    np.testing.assert_array_equal(extend(first, None), first)


def test_the_better_flow_is_taken_place_by_place():
    key = texture(SIZE, 5)
    frame = key.copy()
    frame[:, 60:] = np.roll(key, -6, 1)[:, 60:]  # the right half shows what lies six pixels further
    still, moved = constant_flow(SIZE, 0, 0), constant_flow(SIZE, 6, 0)
    for flows in ([still, moved], [moved, still]):
        best = better(frame, key, flows)
        assert (best[:, 5:52, 0] == 0).all()
        assert (best[:, 68:110, 0] == 6).all()


def test_what_a_flow_rebuilds_badly_is_a_mean_of_squares_read_between_pixels():
    frame, key = np.full((30, 60, 3), 200, np.uint8), np.full((30, 60, 3), 100, np.uint8)
    key[:, 30:] = 140, 100, 60
    errors = Lead.of(constant_flow((60, 30), 20.25, 0), pixels_of(frame), pixels_of(key)).error
    np.testing.assert_allclose(errors[:, :5], 3 * 100**2, rtol=1e-6)
    np.testing.assert_allclose(errors[:, 14:], 60**2 + 100**2 + 140**2, rtol=1e-6)
    edge = 90**2 + 100**2 + 110**2  # a quarter of the way from one to the other
    row = np.where(np.arange(60) < 9, 3 * 100**2, np.where(np.arange(60) == 9, edge, 60**2 + 100**2 + 140**2))
    np.testing.assert_allclose(errors[15, 9], row[5:14].mean(), rtol=1e-6)


@pytest.mark.parametrize(("other", "taken"), [(100, 1), (103, 1), (110, 25)])
def test_the_first_flow_is_favoured_unless_another_is_better_by_a_tenth(other, taken):
    frame, key = np.full((30, 60, 3), 200, np.uint8), np.full((30, 60, 3), 100, np.uint8)
    key[:, 30:] = other
    flows = [constant_flow((60, 30), 1, 0), constant_flow((60, 30), 25, 0)]
    assert (better(frame, key, flows)[10:20, 12:20, 0] == taken).all()


@pytest.mark.parametrize("lights", [(0.85, 0.7, 0.55, 0.4, 0.25), (1.0, 0.3, 1.0, 0.3, 1.0)], ids=["fade", "flicker"])
def test_motion_is_found_while_the_light_changes(lights):
    frames = sliding(6, SIZE, (2, 1))
    motion = KeyMotion(frames[0])
    for n, light in enumerate(lights, 1):
        flow = motion.next(brighter(frames[n], light))
        assert off(inside(flow, 16), 2 * n, n).mean() < 0.3, n


def test_light_is_compared_where_the_flow_leads():
    wide = texture((760, 400), 7, grain=20.0)
    key, frame = np.ascontiguousarray(wide[:, :720]), np.ascontiguousarray(wide[:, 40:])
    flow = constant_flow((720, 400), 40, 0)
    assert light_between(frame, key, flow).same
    assert light_between(brighter(frame, 0.5), key, flow).gain == pytest.approx(0.5, abs=0.02)
    assert light_between(brighter(frame, 0.5), key, -flow).gain != pytest.approx(0.5, abs=0.02)


def test_motion_is_found_again_after_frames_that_show_something_else():
    frames = sliding(8, SIZE, (1, 0))
    frames[2:5] = sliding(3, SIZE, (-9, 4), seed=6)
    motion = KeyMotion(frames[0])
    flows = [motion.next(frame) for frame in frames[1:]]
    for n in (6, 7):
        assert np.median(off(inside(flows[n - 1], 16), n, 0)) < 0.3


def test_a_walk_can_be_taken_up_again():
    frames = sliding(6, SIZE, (2, 1))
    whole, again = KeyMotion(frames[0]), KeyMotion(frames[0])
    flows = [whole.next(frame) for frame in frames[1:]]
    again.resume(flows[1], frames[2])
    for n in (2, 3, 4):
        np.testing.assert_array_equal(again.next(frames[n + 1]), flows[n])
    again.restart()
    assert again.flow is None
    np.testing.assert_array_equal(again.next(frames[1]), flows[0])


def test_steps_begin_with_none():
    frames, steps = sliding(3, SIZE, (1.5, 0)), StepMotion()
    assert steps.next(frames[0]) is None
    for frame in frames[1:]:
        assert off(inside(steps.next(frame), 8), 1.5, 0).mean() < 0.1


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (15, 200), (16, 16), (33, 47), (47, 33), (48, 48), (200, 17)])
def test_every_size_has_a_motion(size):
    frames = sliding(3, size, (1, 0))
    motion = KeyMotion(frames[0])
    for frame in frames[1:]:
        flow = motion.next(frame)
        assert flow.shape == (size[1], size[0], 2)
        assert flow.dtype == np.float32
        assert np.isfinite(flow).all()


def test_small_pictures_have_no_direct_motion():
    small, large = (gray_of(texture(size, 1)) for size in ((60, 47), (60, 48)))
    assert direct(small, small) is None
    assert direct(large, large).shape == (48, 60, 2)


def test_the_number_of_threads_of_the_search_does_not_matter():
    frames, flows, before = sliding(3, (160, 120), (3, 1)), [], cv2.getNumThreads()
    try:
        for threads in (1, 3):
            cv2.setNumThreads(threads)
            motion = KeyMotion(frames[0])
            flows.append([motion.next(frame) for frame in frames[1:]])
    finally:
        cv2.setNumThreads(before)
    np.testing.assert_array_equal(*flows)
