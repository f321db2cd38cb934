"""How far one key's strokes are its own, where no other key says it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import Pictures, negative, styled, texture

from restrip.propagate.key_alone import key_alone, strangeness_alone, strokes_of_its_own
from restrip.timeline import FrameRange

SIZE = (240, 180)


def blurred(picture):
    return cv2.GaussianBlur(picture, (0, 0), 2)


@pytest.mark.parametrize("look", [negative, blurred, np.array])
def test_a_filter_of_the_frame_has_no_strokes_of_its_own(look):
    frame = texture(SIZE, 3, 6.0)
    assert strokes_of_its_own(styled([frame], 0, look(frame))) == 0


def test_lines_of_a_filter_are_told_by_their_shape_however_the_light_is():
    shape = np.kron(np.random.default_rng(5).integers(0, 2, (36, 48)), np.ones((5, 5)))
    soft = cv2.GaussianBlur(shape, (0, 0), 1)
    light = texture(SIZE, 3, 15.0) * 0.8 + 20
    frame = np.clip(light + 8 * (soft[..., None] - 0.5), 0, 255).astype(np.uint8)
    lines = np.where(abs(soft - 0.5) < 0.2, 0, 255).astype(np.uint8)
    assert strangeness_alone(styled([frame], 0, np.repeat(lines[..., None], 3, 2))) < 0.2


def test_strokes_that_have_nothing_to_do_with_the_frame_are_its_own():
    key = styled([texture(SIZE, 3, 6.0)], 0, texture(SIZE, 4, 1.5))
    assert strokes_of_its_own(key) == 1
    assert strangeness_alone(key) == strangeness_alone(key)


def test_depth_changes_nothing():
    frame, paint = texture(SIZE, 3, 6.0), texture(SIZE, 4, 1.5)
    deep = styled([frame.astype(np.uint16) * 257], 0, paint.astype(np.uint16) * 257)
    assert strangeness_alone(deep) == pytest.approx(strangeness_alone(styled([frame], 0, paint)), abs=1e-5)


@pytest.mark.parametrize("size", [(2, 2), (9, 7), (16, 300)])
def test_small_frames_are_taken_as_filters_or_measured(size):
    frame = texture((max(size[0], 8), max(size[1], 8)))[: size[1], : size[0]]
    assert 0 <= strokes_of_its_own(styled([frame], 0, negative(frame))) <= 1


def test_it_is_asked_only_where_one_key_is_carried():
    frames = [texture((16, 12))] * 4
    a, b = (styled(frames, n, frames[n]) for n in (0, 3))
    whole, own = Pictures(frames), Pictures(frames, FrameRange(0, 1))
    assert key_alone(whole, (a, None)) is a
    assert key_alone(Pictures(frames, FrameRange(0, 3)), (None, b)) is b
    assert key_alone(whole, (a, b)) is None
    assert key_alone(own, (a, None)) is None
