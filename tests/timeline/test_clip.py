from fractions import Fraction

import pytest

from restrip.timeline import BadRange, ClipRange, FrameRange, Rate


def test_a_frame_shows_the_media_at_its_own_time():
    clip = ClipRange(("a.mp4",), Rate.of(30000, 1001), 10, trim_in=5)
    assert clip.frames == FrameRange(0, 10)
    assert clip.media_time(0) == Fraction(5 * 1001, 30000)
    assert clip.media_time(9) == Fraction(14 * 1001, 30000)


def test_media_that_is_played_frame_by_frame_keeps_its_own_rate():
    clip = ClipRange(("a.mp4",), Rate.of(25), 10, trim_in=5, source_rate=Rate.of(50))
    assert clip.media_time(1) == Fraction(6, 50)


def test_a_clip_that_shows_the_nearest_frame_looks_half_a_frame_ahead():
    clip = ClipRange(("a.mp4",), Rate.of(25), 10, offset_s=Fraction(1, 50))
    assert clip.media_time(2) == Fraction(5, 50)


def test_a_clip_without_media_or_frames_is_refused():
    with pytest.raises(BadRange):
        ClipRange((), Rate.of(25), 10)
    with pytest.raises(BadRange):
        ClipRange(("a.mp4",), Rate.of(25), 0)
