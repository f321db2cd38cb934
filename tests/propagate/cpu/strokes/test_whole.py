"""A segment between two keys whose strokes live on their own, as it is rendered."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from scenes import Pictures, inside, negative, occluder, sliding, styled, texture

from restrip.errors import Cancelled
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import PropagateSettings, StyledKey, propagate
from restrip.propagate.cpu import descriptors, segment_walk
from restrip.propagate.cpu.backward_motion import backward
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.segment_walk import _Segment
from restrip.propagate.cpu.strokes.pieces import Pieces
from restrip.propagate.cpu.strokes.whole import WholeStrokes, both_walked_back, walked_back
from restrip.timeline import FrameRange

SIZE = (144, 112)
END = 8
PAINTS = texture(SIZE, 71, 1.0), texture(SIZE, 72, 1.0)  # nothing to do with the frames, nor with each other


def keys_of(frames, pictures):
    return tuple(styled(frames, n, picture) for n, picture in zip((0, len(frames) - 1), pictures, strict=True))


def carried(frames, keys, **settings):
    window = Pictures(frames, FrameRange(0, len(frames) - (keys[1] is not None)))
    return list(propagate(window, keys, PropagateSettings(**settings), silent))


def still_frames(count=END + 1):
    frame = texture(SIZE)
    grain = np.random.default_rng(5)
    return [np.clip(frame + grain.normal(0, 2, frame.shape), 0, 255).astype(np.uint8) for _ in range(count)]


def fine(picture):
    return picture - cv2.GaussianBlur(np.float32(picture), (0, 0), 2)


@pytest.fixture(scope="module")
def still():
    frames = still_frames()
    return carried(frames, keys_of(frames, PAINTS), baked=True)


def test_each_place_shows_one_keys_strokes(still):
    for n in (2, 4, 6):
        off = np.stack([np.abs(np.int32(still[n].baked.rgb) - paint).mean(2) for paint in PAINTS])
        assert np.median(off.min(0)) < 2
        whole = np.stack([np.square(fine(paint)).mean(2) for paint in PAINTS])
        whole = np.take_along_axis(whole, off.argmin(0)[None], 0)
        assert 0.93 < np.square(fine(still[n].baked.rgb)).mean() / whole.mean() < 1.05


def test_what_stands_still_changes_once(still):
    pictures = [np.float32(one.baked.rgb) for one in still]
    moved = sum(np.abs(b - a).mean() for a, b in pairwise([*pictures, np.float32(PAINTS[1])]))
    assert moved < 1.25 * np.abs(np.float32(PAINTS[0]) - PAINTS[1]).mean()
    assert max(np.abs(b - a).mean() for a, b in pairwise(pictures)) < 0.35 * moved


def test_both_strips_show_the_same_strokes_through_the_fade(still):
    for one in still[1:]:
        assert np.abs(fine(one.left.rgb) - fine(one.right.rgb)).mean() < 1


def test_without_lean_each_strip_is_its_own_keys():
    frames = still_frames()
    for one in carried(frames, keys_of(frames, PAINTS), lean=0.0)[1:]:
        for frame, paint in ((one.left, PAINTS[0]), (one.right, PAINTS[1])):
            np.testing.assert_allclose(np.int32(frame.rgb), paint, atol=1)


@pytest.mark.parametrize("asked", ["auto", "smooth"])
def test_keys_that_agree_are_averaged_as_ever(asked):
    frames = sliding(5, SIZE, (1.5, 0.5))
    alike = keys_of(frames, (negative(frames[0]), negative(frames[4])))
    ever = carried(frames, alike, strokes="smooth", baked=True)
    for one, other in zip(carried(frames, alike, strokes=asked, baked=True), ever, strict=True):
        np.testing.assert_array_equal(one.baked.rgb, other.baked.rgb)
    crisp = carried(frames, alike, strokes="crisp", baked=True)
    assert np.abs(np.int32(crisp[2].baked.rgb) - ever[2].baked.rgb).max() > 0


def test_strange_keys_can_be_averaged_too():
    frames = still_frames(5)
    smooth = carried(frames, keys_of(frames, PAINTS), strokes="smooth", baked=True)[2].baked.rgb
    assert np.square(fine(smooth)).mean() < 0.8 * np.square(fine(PAINTS[0])).mean()


@pytest.mark.parametrize("side", [0, 1])
def test_one_key_alone_is_kept_whole_where_that_is_asked(side):
    frames = still_frames(5)
    keys = list(keys_of(frames, PAINTS))
    keys[1 - side] = None
    for one in carried(frames, tuple(keys), strokes="crisp", baked=True):
        shown, none = (one.left, one.right) if side == 0 else (one.right, one.left)
        assert none is None
        np.testing.assert_allclose(np.int32(shown.rgb), PAINTS[side], atol=1)
        np.testing.assert_array_equal(one.baked.rgb, shown.rgb)


@pytest.mark.parametrize("side", [0, 1])
def test_one_key_whose_strokes_are_its_own_is_kept_whole_unasked(side):
    frames = still_frames(4)
    keys = list(keys_of(frames, PAINTS))
    keys[1 - side] = None
    for one in carried(frames, tuple(keys)):
        np.testing.assert_allclose(np.int32((one.left or one.right).rgb), PAINTS[side], atol=2)


def test_one_key_of_a_filter_is_averaged_as_ever():
    frames = sliding(4, SIZE, (1.5, 0.5))
    keys = styled(frames, 0, negative(frames[0])), None
    for auto, smooth in zip(carried(frames, keys), carried(frames, keys, strokes="smooth"), strict=True):
        np.testing.assert_array_equal(auto.left.rgb, smooth.left.rgb)


def test_what_one_key_doesnt_know_is_no_piece_of_it():
    frames = still_frames(3)
    frames[2][:, : SIZE[0] // 3] = 255 - texture(SIZE, 90)[:, : SIZE[0] // 3]
    keys = styled(frames, 0, PAINTS[0]), None
    auto, crisp = (carried(frames, keys, strokes=how)[2].left.rgb.astype(np.int32) for how in ("auto", "crisp"))
    apart = np.abs(auto - crisp).mean((0, 2))
    assert apart[: SIZE[0] // 4].mean() > 5 * max(apart[SIZE[0] // 2 :].mean(), 0.5)


def test_deep_pictures_stay_deep_and_keep_their_alpha():
    frames = [frame.astype(np.uint16) * 257 for frame in still_frames(4)]
    alpha = np.full((SIZE[1], SIZE[0]), 1234, np.uint16)
    left, right = (
        StyledKey(n, Frame(frames[n], alpha), Frame(p.astype(np.uint16) * 257 - p))
        for n, p in zip((0, 3), PAINTS, strict=True)
    )
    window = Pictures(frames, FrameRange(0, 3))
    window._pictures = [Frame(frame, alpha) for frame in frames]
    one = list(propagate(window, (left, right), PropagateSettings(lean=0.0), silent))[2]
    for frame, paint in ((one.left, PAINTS[0]), (one.right, PAINTS[1])):
        assert frame.rgb.dtype == np.uint16
        np.testing.assert_allclose(np.int32(frame.rgb), np.int32(paint) * 256, atol=1)
        np.testing.assert_array_equal(frame.alpha, alpha)


def test_a_segment_may_be_walked_in_blocks_and_its_files_go(tmp_path):
    frames, _ = occluder(7, SIZE, (2, 1))
    key = styled(frames, 6, PAINTS[1])
    right = Exemplar.of(key.source, key.picture)
    window = Pictures(frames, FrameRange(0, 6))
    steps = []
    whole, blocks = (list(walked_back(window, right, str(tmp_path), lambda: steps.append(1), n)) for n in (192, 2))
    assert len(whole) == len(blocks) == 6 and len(steps) == 6 + 6 + 4
    assert list(tmp_path.iterdir()) == []
    for n, (one, other) in enumerate(zip(whole, blocks, strict=True)):
        assert (np.abs(one - other).max(2) <= 2).mean() > 0.9, n
    pieces = Pieces(right)
    np.testing.assert_array_equal(pieces.next(frames[5]), whole[5])


def test_progress_counts_every_walk_and_cancelling_leaves_no_file(tmp_path, monkeypatch):
    frames = still_frames(5)
    seen = []

    def report(done, total, *_):
        seen.append((done, total))
        if len(seen) == stop:
            raise Cancelled

    made = []
    for likely, steps in ((True, 8), (False, 12)):  # pieces are walked back with the motion, or after it
        monkeypatch.setattr(_Segment, "_likely_whole", lambda self, likely=likely: likely)
        for stop in (0, 6, 7):
            seen.clear()
            window = Pictures(frames, FrameRange(0, 4))
            settings = PropagateSettings(scratch=str(tmp_path), strokes="crisp" if likely else "auto")
            try:
                made.append(list(propagate(window, keys_of(frames, PAINTS), settings, report)))
            except Cancelled:
                assert len(seen) == stop
            else:
                assert seen[-1] == (steps, steps) and [done for done, _ in seen] == list(range(1, steps + 1))
            assert list(tmp_path.iterdir()) == []
    for one, other in zip(*made, strict=True):  # a wrong guess costs time, nothing else
        np.testing.assert_array_equal(one.left.rgb, other.left.rgb)
        np.testing.assert_array_equal(one.right.rgb, other.right.rgb)


def test_keys_painted_apart_are_walked_once(monkeypatch):
    frames = still_frames(5)
    monkeypatch.setattr(segment_walk, "walked_back", None)  # would be the second walk
    assert len(carried(frames, keys_of(frames, PAINTS))) == 4


def test_a_frames_descriptors_are_found_once_a_walk(monkeypatch):
    """In one light: back with the right key's pieces, and forth for the left key's and for what both show."""
    seen, whole = [], descriptors.describe
    monkeypatch.setattr(descriptors, "describe", lambda frame: seen.append(frame.tobytes()) or whole(frame))
    frames = [np.clip(frame + np.int16(n), 0, 255).astype(np.uint8) for n, frame in enumerate(still_frames(5))]
    assert len(carried(frames, keys_of(frames, PAINTS))) == 4
    assert [seen.count(frame.tobytes()) for frame in frames[1:4]] == [2, 2, 2]


def test_motion_and_pieces_walked_together_are_those_walked_alone(tmp_path):
    frames, _ = occluder(7, SIZE, (2, 1))
    key = styled(frames, 6, PAINTS[1])
    right, window = Exemplar.of(key.source, key.picture), Pictures(frames, FrameRange(0, 6))
    for block in (192, 4):
        steps = []
        pairs = list(both_walked_back(window, right, str(tmp_path), lambda: steps.append(1), block))  # noqa: B023
        assert len(pairs) == 6 and len(steps) == (6 if block == 192 else 8)
        flows = list(backward(window, key, str(tmp_path), lambda: None, block))
        fields = list(walked_back(window, right, str(tmp_path), lambda: None, block))
        for (flow, field), alone, pieces in zip(pairs, flows, fields, strict=True):
            np.testing.assert_array_equal(flow, alone)
            assert (np.abs(field - pieces).max(2) <= (0 if block == 192 else 2)).mean() > 0.9
        assert list(tmp_path.iterdir()) == []


def test_a_later_fade_hands_over_later():
    frames = still_frames()
    left, right = keys_of(frames, PAINTS)
    out = carried(frames, (left, right), fade=FrameRange(4, 8), baked=True)
    np.testing.assert_allclose(np.int32(inside(out[3].left.rgb, 1)), inside(PAINTS[0], 1), atol=1)
    off = [np.abs(np.int32(out[7].left.rgb) - paint).mean() for paint in PAINTS]
    assert off[1] < off[0]


def test_two_keys_that_are_whole_everywhere_need_nothing_below():
    everywhere, paint = np.ones((4, 5), np.float32), object()
    assert WholeStrokes((paint, paint), everywhere, known_only=True)._parts is None
    assert WholeStrokes((paint, None), everywhere, known_only=True)._parts is not None
