"""Segments, strips, seams: exact small cases, and what holds whatever the keys and cuts."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from restrip.timeline import (
    Crossfade,
    FrameRange,
    Key,
    Segment,
    Strip,
    keys_for_shots,
    keys_from_markers,
    mix_at,
    seams_of,
    segments_of,
    strips_of,
    visible_of,
)


@st.composite
def clips(draw: st.DrawFn) -> tuple[tuple[Key, ...], int, tuple[int, ...]]:
    """Keys, length and cuts of a clip in which every shot has a key."""
    length = draw(st.integers(1, 60))
    frames = draw(st.lists(st.integers(0, length - 1), max_size=8))
    cuts = tuple(sorted(set(draw(st.lists(st.integers(0, length), max_size=4)))))
    keys, _ = keys_from_markers([Key(frame) for frame in frames], length)
    keys, _ = keys_for_shots(keys, length, cuts)
    return keys, length, cuts


@st.composite
def faded(draw: st.DrawFn) -> tuple[tuple[Strip, ...], tuple[Crossfade, ...], int]:
    """Strips with a fade somewhere in each gap."""
    keys, length, cuts = draw(clips())
    segments = segments_of(keys, length, cuts)
    fades = []
    for seam in seams_of(keys, segments):
        first = draw(st.integers(seam.frames.first, seam.frames.end))
        end = draw(st.integers(first, seam.frames.end))
        fades.append(Crossfade(seam.left, seam.right, FrameRange(first, end)))
    return strips_of(keys, segments), tuple(fades), length


def test_the_layout_in_the_picture():
    keys = (Key(10), Key(20))
    segments = segments_of(keys, 30)
    assert segments == (
        Segment(FrameRange(0, 10), None, 0),
        Segment(FrameRange(10, 20), 0, 1),
        Segment(FrameRange(20, 30), 1, None),
    )
    strips = strips_of(keys, segments)
    assert strips == (Strip(0, FrameRange(0, 20), (0, 1)), Strip(1, FrameRange(10, 30), (1, 2)))
    assert seams_of(keys, segments) == (Crossfade(0, 1, FrameRange(10, 20)),)
    fade = Crossfade(0, 1, FrameRange(12, 16))
    assert visible_of(strips, [fade]) == (FrameRange(0, 16), FrameRange(12, 30))
    assert [mix_at(fade, frame) for frame in range(11, 18)] == [0, 0, 0.25, 0.5, 0.75, 1, 1]


def test_a_cut_is_a_border_that_no_segment_crosses():
    keys = (Key(5), Key(15), Key(25))
    segments = segments_of(keys, 30, (12,))
    assert [(s.frames.first, s.frames.end, s.left, s.right) for s in segments] == [
        (0, 5, None, 0),
        (5, 12, 0, None),
        (12, 15, None, 1),
        (15, 25, 1, 2),
        (25, 30, 2, None),
    ]
    assert seams_of(keys, segments) == (
        Crossfade(0, 1, FrameRange(12, 12)),
        Crossfade(1, 2, FrameRange(15, 25)),
    )


def test_a_key_on_the_first_frame_of_a_shot_has_no_segment_before_it():
    keys = (Key(0), Key(12))
    segments = segments_of(keys, 20, (12,))
    assert [s.sides for s in segments] == [(0,), (1,)]
    assert seams_of(keys, segments) == (Crossfade(0, 1, FrameRange(12, 12)),)


def test_one_key_on_one_frame():
    assert strips_of([Key(0)], segments_of([Key(0)], 1)) == (Strip(0, FrameRange(0, 1), (0,)),)


def test_a_shot_without_a_key_is_a_mistake():
    with pytest.raises(ValueError, match=r"\[10, 20\)"):
        segments_of([Key(5)], 20, (10,))


@pytest.mark.parametrize(("frame", "mix"), [(4, 0.0), (5, 1.0), (6, 1.0)])
def test_an_empty_fade_is_a_cut(frame, mix):
    assert mix_at(Crossfade(0, 1, FrameRange(5, 5)), frame) == mix


@given(clips())
def test_segments_cover_every_frame_once_and_each_begins_where_the_last_ended(clip):
    keys, length, cuts = clip
    segments = segments_of(keys, length, cuts)
    assert [frame for segment in segments for frame in segment.frames] == list(range(length))
    assert all(len(segment.frames) for segment in segments)
    for segment in segments:
        assert segment.sides
        assert not any(segment.frames.first < cut < segment.frames.end for cut in cuts)
        assert segment.left is None or segment.frames.first == keys[segment.left].frame
        assert segment.right is None or segment.frames.end == keys[segment.right].frame


@given(clips())
def test_a_strip_is_joined_from_neighbouring_segments_and_holds_its_key(clip):
    keys, length, cuts = clip
    segments = segments_of(keys, length, cuts)
    strips = strips_of(keys, segments)
    assert [strip.key for strip in strips] == list(range(len(keys)))
    for strip in strips:
        assert strip.segments in {(n,) for n in range(len(segments))} | set(pairwise(range(len(segments))))
        joined = [frame for n in strip.segments for frame in segments[n].frames]
        assert joined == list(strip.frames)
        assert keys[strip.key].frame in strip.frames


@given(faded())
def test_fades_lie_inside_both_strips(case):
    strips, fades, _ = case
    for fade in fades:
        for frame in fade.frames:
            assert frame in strips[fade.left].frames and frame in strips[fade.right].frames


@given(faded())
def test_every_frame_of_the_clip_shows_wholly(case):
    strips, fades, length = case
    visible = visible_of(strips, fades)
    for frame in range(length):
        shares = {
            strip.key: _share(strip.key, fades, frame)
            for strip, shown in zip(strips, visible, strict=True)
            if frame in shown
        }
        assert sum(shares.values()) == pytest.approx(1)
        assert all(frame in strips[key].frames for key, share in shares.items() if share)


@given(faded())
def test_what_shows_of_a_strip_is_in_its_file(case):
    strips, fades, _ = case
    for strip, shown in zip(strips, visible_of(strips, fades), strict=True):
        assert shown.within(strip.frames) == shown


@given(clips(), st.data())
def test_moving_one_key_changes_at_most_two_segments(clip, data):
    keys, length, cuts = clip
    index = data.draw(st.integers(0, len(keys) - 1))
    edges = sorted({0, *cuts, length})
    shot = next((a, b) for a, b in pairwise(edges) if a <= keys[index].frame < b)
    low = max([shot[0], *(key.frame + 1 for key in keys[:index])])
    high = min([shot[1] - 1, *(key.frame - 1 for key in keys[index + 1 :])])
    moved = list(keys)
    moved[index] = Key(data.draw(st.integers(low, high)))

    def facts(given_keys):
        return {
            (s.frames, *(given_keys[i].frame if i is not None else None for i in (s.left, s.right)))
            for s in segments_of(given_keys, length, cuts)
        }

    before, after = facts(keys), facts(moved)
    assert len(after - before) <= 2 and len(before - after) <= 2
    changed = [s for s in strips_of(moved, segments_of(moved, length, cuts)) if abs(s.key - index) > 1]
    unchanged = [s for s in strips_of(keys, segments_of(keys, length, cuts)) if abs(s.key - index) > 1]
    assert [s.frames for s in changed] == [s.frames for s in unchanged]


def _share(key: int, fades: tuple[Crossfade, ...], frame: int) -> float:
    share = 1.0
    for fade in fades:
        if fade.right == key:
            share *= mix_at(fade, frame)
        if fade.left == key:
            share *= 1 - mix_at(fade, frame)
    return share
