import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline import BadRange, FrameRange

ranges = st.tuples(st.integers(-50, 50), st.integers(0, 50)).map(lambda pair: FrameRange(pair[0], pair[0] + pair[1]))


def test_a_range_holds_its_first_frame_and_not_its_end():
    frames = FrameRange(3, 6)
    assert list(frames) == [3, 4, 5]
    assert len(frames) == 3
    assert 3 in frames and 6 not in frames and "4" not in frames


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(BadRange, match="6:3"):
        FrameRange(6, 3)


@pytest.mark.parametrize("text", ["5", "a:b", "3:", ":7", "7:3", "1:2:3"])
def test_texts_that_are_no_range_are_refused(text):
    with pytest.raises(BadRange):
        FrameRange.parse(text)


def test_a_text_is_read_half_open():
    assert FrameRange.parse("10:20") == FrameRange(10, 20)


@given(ranges, ranges)
def test_within_holds_exactly_the_shared_frames(a, b):
    shared = a.within(b)
    assert set(shared) == set(a) & set(b)
    assert b.first <= shared.first <= shared.end <= b.end


@given(ranges, st.integers(-100, 100))
def test_shifting_keeps_the_length(frames, by):
    assert list(frames.shifted(by)) == [frame + by for frame in frames]
