"""Keys are proposed where they are worth it."""

from __future__ import annotations

from itertools import combinations

import cv2
import numpy as np
import pytest

from restrip.media.frame import Frame
from restrip.propagate.suggestions import NothingToSuggest, candidates_in, rebuild_error, suggest
from restrip.timeline import FrameRange


class Clip:
    """Frames made by a function of their number."""

    size = (128, 72)

    def __init__(self, length: int, picture) -> None:
        self.frames = FrameRange(0, length)
        self._picture = picture

    def frame(self, n: int) -> Frame:
        return Frame(self._picture(n))


def texture(seed: int, width: int = 128) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (72, width, 3)).astype(np.uint8)
    return cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.5), None, 0, 255, cv2.NORM_MINMAX)


def test_each_shot_gets_its_key_and_the_cut_is_the_reason() -> None:
    shots = texture(1), texture(2)
    found = suggest(Clip(24, lambda n: shots[n >= 9]), count=2)
    assert found[0].frame < 9 <= found[1].frame
    assert [key.reason for key in found] == ["start", "cut"]
    assert found[1].error < 1


def test_a_pan_shows_new_content() -> None:
    wide = texture(3, 320)
    found = suggest(Clip(40, lambda n: np.ascontiguousarray(wide[:, 4 * n : 4 * n + 128])), count=3)
    assert [key.reason for key in found] == ["start", "new content", "new content"]


def test_more_keys_than_a_still_shot_needs_are_spaced() -> None:
    still = texture(4)
    found = suggest(Clip(20, lambda n: still), count=3)
    assert [key.reason for key in found] == ["start", "even spacing", "even spacing"]


def test_a_light_that_goes_on_is_the_reason() -> None:
    scene = texture(4)
    dark = (scene * 0.45).astype(np.uint8)
    found = suggest(Clip(20, lambda n: scene if 8 <= n < 12 else dark), count=3)
    assert [key.reason for key in found] == ["start", "light", "light"]
    assert [(key.frame >= 8) + (key.frame >= 12) for key in found] == [0, 1, 2]


def test_cuts_are_between_keys_on_both_sides() -> None:
    shots = texture(1), texture(2), texture(3)
    found = suggest(Clip(24, lambda n: shots[n // 8]), count=4)
    assert [key.reason for key in found].count("cut") == 2
    assert {key.frame // 8 for key in found} == {0, 1, 2}
    assert {key.reason for key in found} == {"start", "cut", "even spacing"}


def test_one_key_is_enough_where_nothing_changes() -> None:
    still = texture(4)
    (only,) = suggest(Clip(20, lambda n: still), error=1.0)
    assert only.reason == "start"
    assert only.error < 1


def test_as_many_keys_as_the_error_needs() -> None:
    shots = [texture(seed) for seed in range(3)]
    clip = Clip(24, lambda n: shots[n // 8])
    found = suggest(clip, error=1.0)
    assert len(found) == 3
    assert rebuild_error(clip, [key.frame for key in found]) <= 1.0
    assert rebuild_error(clip, [key.frame for key in found[:2]]) > 1.0


def test_the_set_is_the_best_there_is() -> None:
    shots = [texture(seed) for seed in (5, 6, 7)]
    clip = Clip(12, lambda n: shots[(n > 2) + (n > 7)])
    found = tuple(key.frame for key in suggest(clip, count=2))
    best = min(combinations(candidates_in(clip.frames), 2), key=lambda keys: rebuild_error(clip, keys))
    assert rebuild_error(clip, found) == pytest.approx(rebuild_error(clip, best))


@pytest.mark.parametrize("length", [1, 2, 5])
def test_short_clips_have_a_key(length: int) -> None:
    still = texture(8)
    assert len(suggest(Clip(length, lambda n: still), count=1)) == 1


def test_more_keys_than_candidates_are_all_of_them() -> None:
    still = texture(9)
    assert len(suggest(Clip(9, lambda n: still), count=50)) == len(candidates_in(FrameRange(0, 9)))


@pytest.mark.parametrize("wanted", [{}, {"count": 0}, {"error": 0.0}, {"count": 2, "error": 1.0}])
def test_what_can_not_be_is_refused(wanted: dict[str, float]) -> None:
    with pytest.raises(NothingToSuggest):
        suggest(Clip(5, lambda n: texture(1)), **wanted)
