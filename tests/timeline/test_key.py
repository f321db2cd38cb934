from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline import Key, KeyOutside, check_keys, keys_for_shots, keys_from_markers


def test_keys_are_sorted_and_two_on_a_frame_are_one_that_knows_what_both_said():
    given_keys = [Key(20), Key(5, name="first"), Key(5, prompt="a fox", seed=7, name="second")]
    keys, notes = check_keys(given_keys, 30)
    assert keys == (Key(5, prompt="a fox", seed=7, name="first"), Key(20))
    assert notes == ("Two keys are on frame 5: they count as one.",)


def test_what_is_said_counts_frames_as_the_timeline_does():
    assert check_keys([Key(5), Key(5)], 30, 101)[1] == ("Two keys are on frame 106: they count as one.",)
    assert "frame, 116, is" in keys_from_markers([], 30, 101)[1][0]
    assert "around frame 126 " in keys_for_shots([Key(3)], 30, (20,), 101)[1][0]
    with pytest.raises(KeyOutside) as refused:
        check_keys([Key(31)], 30, 101)
    assert "132" in refused.value.message and "101 to 130" in refused.value.message


def test_of_two_keys_on_a_frame_the_first_has_the_say():
    keys, _ = check_keys([Key(5, prompt="a fox", image="a.png"), Key(5, prompt="a hare", image="b.png", seed=0)], 30)
    assert keys == (Key(5, prompt="a fox", seed=0, image="a.png"),)


@pytest.mark.parametrize("frame", [-1, 30, 31])
def test_a_key_asked_for_outside_the_clip_is_refused(frame):
    with pytest.raises(KeyOutside) as refused:
        check_keys([Key(3), Key(frame)], 30)
    assert refused.value.detail["frames"] == [frame]
    assert "0 to 29" in refused.value.message


def test_markers_outside_are_counted_and_left_out():
    keys, notes = keys_from_markers([Key(-3), Key(7), Key(30), Key(99)], 30)
    assert keys == (Key(7),)
    assert notes == ("3 markers lie outside the strip and were not used.",)
    assert keys_from_markers([Key(7), Key(30)], 30)[1] == ("1 marker lies outside the strip and was not used.",)


@pytest.mark.parametrize(("length", "middle"), [(1, 0), (2, 1), (30, 15), (31, 15)])
def test_without_a_marker_the_middle_frame_is_the_key(length, middle):
    keys, notes = keys_from_markers([], length)
    assert keys == (Key(middle),)
    assert str(middle) in notes[0]


def test_a_shot_without_a_key_gets_its_middle_frame():
    keys, notes = keys_for_shots([Key(3)], 30, (10, 20))
    assert [key.frame for key in keys] == [3, 15, 25]
    assert len(notes) == 2


@given(st.integers(1, 60), st.data())
def test_every_shot_has_a_key_and_keys_stay_in_order(length, data):
    frames = data.draw(st.lists(st.integers(-10, 70), max_size=6))
    cuts = data.draw(st.lists(st.integers(1, length), max_size=5))
    keys, _ = keys_from_markers([Key(frame) for frame in frames], length)
    keys, _ = keys_for_shots(keys, length, cuts)
    numbers = [key.frame for key in keys]
    assert numbers == sorted(set(numbers)) and all(0 <= number < length for number in numbers)
    edges = sorted({0, *cuts, length})
    assert all(any(a <= number < b for number in numbers) for a, b in pairwise(edges))


def test_of_painted_frames_the_nearest_to_a_shots_middle_is_its_key() -> None:
    keys, notes = keys_for_shots([Key(3)], 40, (10, 20, 30), 100, painted=(2, 11, 13, 18, 25))
    assert [key.frame for key in keys] == [3, 13, 25, 35]
    assert notes == (
        "The shot around frame 113 has no key: that frame, which is painted, is one.",
        "The shot around frame 125 has no key: its middle frame is one.",
        "The shot around frame 135 has no key: its middle frame is one.",
    )
    (key,), notes = keys_from_markers([], 40, 100, painted=(2, 31))
    assert key.frame == 31 and notes == ("No marker lies inside the strip: frame 131, which is painted, is the key.",)
