"""Why a key is where it is, on pictures of which that is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scenes import brighter, sliding, texture

from restrip.propagate.key_coverage import BLOCKS, block_errors
from restrip.propagate.reasons import reason_of

SIZE = (128, 72)


def scene(seed: int = 1) -> np.ndarray:
    return texture(SIZE, seed, grain=2.5)


def why(picture: np.ndarray, *neighbours: np.ndarray) -> str:
    """The reason when the neighbours are held still, so that everything different is wrong."""
    return reason_of(picture, neighbours, np.min([block_errors(picture, p) for p in neighbours], axis=0))


def test_nothing_is_wrong_with_even_spacing():
    assert why(scene(), scene(), scene()) == "even spacing"
    grain = np.random.default_rng(0).normal(0, 2, (72, 128, 3))
    assert why(scene(), np.clip(scene() + grain, 0, 255).astype(np.uint8)) == "even spacing"


def test_another_light():
    assert why(brighter(scene(), 0.5), scene()) == "light"
    assert why(brighter(scene(), 0.9, 60), scene(), scene()) == "light"


def test_light_that_one_neighbour_has_too_is_no_reason():
    dark = brighter(scene(), 0.5)
    changed = dark.copy()
    changed[20:60, 30:90] = brighter(scene(7), 0.9)[20:60, 30:90]
    assert why(changed, scene(), dark) == "new content"


@pytest.mark.parametrize("by", [20, 30])
def test_content_that_went_further_than_motion_is_followed(by):
    wide = texture((SIZE[0] + by, SIZE[1]), 3, grain=2.5)
    assert why(np.ascontiguousarray(wide[:, by:]), np.ascontiguousarray(wide[:, :-by])) == "motion"


def test_content_that_neither_neighbour_has():
    key = scene()
    key[20:60, 30:90] = scene(2)[20:60, 30:90]
    assert why(key, scene()) == "new content"
    assert why(key, scene(), scene()) == "new content"
    assert why(key, scene(), key) == "even spacing"


def test_a_place_that_looks_a_little_different():
    key = scene()
    key[20:60, 30:90] = cv2.addWeighted(scene(2)[20:60, 30:90], 0.3, key[20:60, 30:90], 0.7, 0)
    assert why(key, scene()) == "appearance"


def test_flat_places_are_never_found_somewhere():
    key, before = scene(), scene()
    key[10:60, 10:60] = 90
    before[10:60, 70:120] = 90  # the same colour, there before: it says nothing
    key[10:60, 70:120] = 90
    assert why(key, before) == "new content"


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (300, 20)])
def test_any_size(size):
    a, b = sliding(2, size, (3, 0))
    wrong = np.full(BLOCKS[0] * BLOCKS[1], 500, np.float32)
    assert reason_of(a, [b], wrong) in {"motion", "new content", "appearance"}
