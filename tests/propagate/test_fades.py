"""Where one key hands over to the next."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import Pictures, negative, sliding, styled, texture

from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.propagate import FadeScore, PropagateSettings, fades, propose_fade
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.fades import AUTO_FRAMES, PROXY_SIDE, BadFade, fade_length
from restrip.timeline import FrameRange

SIZE = (64, 48)


def proposed(frames, keys, fade, report=silent) -> FrameRange:
    window = Pictures(frames, FrameRange(keys[0].frame if keys[0] else 0, keys[1].frame if keys[1] else len(frames)))
    return propose_fade(window, keys, fade, PropagateSettings(), report)


@pytest.mark.parametrize(
    ("fade", "gap", "frames"),
    [
        ("auto", 20, 20),
        ("auto", 3, 3),
        ("auto", 3 * AUTO_FRAMES, AUTO_FRAMES),
        ("gap", 20, 20),
        (5, 20, 5),
        ("5", 20, 5),
        (50, 20, 20),
        (0, 20, 0),
    ],
)
def test_lengths(fade, gap, frames):
    assert fade_length(fade, gap) == frames


@pytest.mark.parametrize("fade", ["long", -1, "-3", "", "1.5"])
def test_other_lengths_are_refused(fade):
    with pytest.raises(BadFade) as error:
        fade_length(fade, 20)
    assert error.value.code == "bad-fade"


def test_the_score_is_a_mean_difference_in_code_values():
    score = FadeScore()
    assert score.value is None
    grey = lambda value: Frame(np.full((4, 6, 3), value, np.uint8))  # noqa: E731
    score.add(grey(100), grey(103))
    assert score.value == pytest.approx(3)
    deep = Frame(np.full((4, 6, 3), 90 * 257, np.uint16))
    score.add(deep, grey(91))
    assert score.value == pytest.approx(2)


def passing(middle: int, count: int = 17) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """A still picture that a bar of noise crosses around one frame, and its style."""
    ground, bar = texture(SIZE, 1), texture(SIZE, 2)
    frames = []
    for n in range(count):
        frame = ground.copy()
        x = 26 + 12 * (n - middle)
        left, right = max(0, x), min(SIZE[0], x + 16)
        if left < right:
            frame[:, left:right] = bar[:, left:right]
        frames.append(frame)
    return frames, [negative(f) for f in frames]


@pytest.mark.parametrize(("middle", "early"), [(4, False), (12, True)])
def test_a_fade_avoids_what_neither_key_knows(middle, early):
    frames, truth = passing(middle)
    fade = proposed(frames, (styled(frames, 0, truth[0]), styled(frames, 16, truth[16])), 4)
    assert len(fade) == 4
    crossing = FrameRange(middle - 1, middle + 2)
    assert all(n not in crossing for n in fade)
    assert (fade.end <= middle) == early


@pytest.mark.parametrize(
    ("fade", "first"),
    [(0, 0), (1, 0), (2, 2), (3, 2)],
    ids=["a cut lies at the one best frame", "as a fade of one frame does", "a pair", "three"],
)
def test_a_fade_lies_where_all_of_its_frames_together_cost_least(fade, first, monkeypatch):
    monkeypatch.setattr(fades, "_disagreement", lambda *_: np.array([0.0, 9, 3, 3, 4, 9, 9, 9]))
    frames = sliding(9, SIZE, (1, 0))
    keys = styled(frames, 0, frames[0]), styled(frames, 8, frames[8])
    assert proposed(frames, keys, fade) == FrameRange(first, first + fade)


def test_both_keys_are_compared_on_the_same_frame():
    frames = sliding(9, (128, 64), (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 8, negative(frames[8]))
    costs = fades._disagreement(Pictures(frames, FrameRange(0, 8)), *keys, silent)
    assert costs.shape == (8,)
    assert costs.mean() < 0.3 * float(np.abs(frames[0].astype(int) - frames[8]).mean())


def test_frames_that_neither_key_rebuilds_cost_something_though_the_strips_agree(monkeypatch):
    class Still(KeyMotion):
        def next(self, frame):
            return np.zeros((*frame.shape[:2], 2), np.float32)

    monkeypatch.setattr(fades, "KeyMotion", Still)
    frames = [texture(SIZE, 1)] * 12
    frames[4:7] = [texture(SIZE, 2)] * 3
    keys = styled(frames, 0, frames[0]), styled(frames, 11, frames[0])
    costs = fades._disagreement(Pictures(frames, FrameRange(0, 11)), *keys, silent)
    np.testing.assert_array_equal(costs > 1, [4 <= n < 7 for n in range(11)])


def test_of_places_that_are_alike_it_is_the_one_in_the_middle():
    frames = [texture(SIZE, 1)] * 13
    assert proposed(frames, (styled(frames, 0, frames[0]), styled(frames, 12, frames[0])), 4) == FrameRange(4, 8)


@pytest.mark.parametrize(("costs", "first"), [((9, 5, 9, 9, 9), 1), ((9, 5.05, 9, 9, 5), 1), ((0, 0, 0, 1, 1), 2)])
def test_a_fade_that_is_hardly_better_gives_way_to_one_nearer_the_middle(costs, first):
    assert fades._best_start(np.array(costs, float)) == first


def test_a_gap_is_the_whole_segment_and_a_cut_is_empty():
    frames = sliding(9, SIZE, (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 8, negative(frames[8]))
    assert proposed(frames, keys, "gap") == FrameRange(0, 8)
    cut = proposed(frames, keys, 0)
    assert len(cut) == 0
    assert 0 <= cut.first <= 8
    assert len(proposed(frames, keys, "auto")) == 8


def test_one_key_has_no_fade():
    frames = sliding(5, SIZE, (1, 0))
    left, right = styled(frames, 0, negative(frames[0])), styled(frames, 4, negative(frames[4]))
    assert proposed(frames, (left, None), "auto") == FrameRange(5, 5)
    assert proposed(frames, (None, right), "auto") == FrameRange(0, 0)


def test_adjacent_keys():
    frames = sliding(2, SIZE, (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 1, negative(frames[1]))
    for fade in ("auto", "gap", 1):
        assert proposed(frames, keys, fade) == FrameRange(0, 1)
    assert len(proposed(frames, keys, 0)) == 0


def test_progress_counts_both_walks():
    frames = sliding(5, SIZE, (1, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 4, negative(frames[4]))
    seen = []
    proposed(frames, keys, 2, lambda done, total, note="": seen.append((done, total)))
    assert seen == [(n, 8) for n in range(1, 9)]


def test_large_frames_are_compared_small(monkeypatch):
    sizes = set()

    class Watched(KeyMotion):
        def next(self, frame):
            sizes.add(frame.shape[:2])
            return super().next(frame)

    monkeypatch.setattr(fades, "KeyMotion", Watched)
    frames = sliding(4, (800, 600), (4, 0))
    keys = styled(frames, 0, negative(frames[0])), styled(frames, 3, negative(frames[3]))
    proposed(frames, keys, 1)
    assert sizes == {(PROXY_SIDE, PROXY_SIDE * 4 // 3)}
