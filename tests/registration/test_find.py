from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.registration.find import find
from restrip.registration.warp import Warp

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from moved_keys import MOVES, Move, inside, moved
from truths import STYLES


def negative(rgb: np.ndarray) -> np.ndarray:
    """Every edge the other way about, flatter, in other colours."""
    return (230 - 0.7 * rgb[..., (1, 2, 0)].astype(np.float32)).round().astype(np.uint8)


KEYS = {**STYLES, "negative": negative}


def off(found, field: np.ndarray) -> float:
    """How far places lie from where the finding says, on average, in pixels, where the key shows the frame."""
    size = field.shape[1], field.shape[0]
    warp = Warp.still(size) if found.warp is None else Warp.from_json(found.warp)
    return float(np.linalg.norm(warp.field() - field, axis=-1)[inside(field)].mean())


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("recolor", "shift 1"),
        ("recolor", "all"),
        ("paint", "zoom .9"),
        ("paint", "turn 3"),
        ("paint", "all"),
        ("negative", "shift 13"),
        ("negative", "zoom 1.1"),
    ],
)
def test_a_moved_key_is_found(bunny, style, name):
    key, field = moved(KEYS[style](bunny.rgb), MOVES[name])
    found = find(bunny.rgb, key)
    assert found.verdict == "moved" and off(found, field) < 0.5


@pytest.mark.parametrize(("style", "name"), [("paint", "none"), ("negative", "none"), ("recolor", "painted over")])
def test_an_unmoved_key_is_left_alone(bunny, style, name):
    key, _ = moved(KEYS[style](bunny.rgb), MOVES[name])
    found = find(bunny.rgb, key)
    assert (found.verdict, found.warp, found.note(3)) == ("same", None, "")


def test_a_smooth_bend_is_found(bunny):
    key, field = moved(KEYS["recolor"](bunny.rgb), Move(wobble=2, x=5))
    found = find(bunny.rgb, key)
    assert "bent by up to" in found.said
    assert off(found, field) < 0.3


def test_what_is_transparent_has_no_say(bunny):
    """Where the frame shows through, nothing was moved: that is no proof that the painted part wasn't."""
    key, field = moved(KEYS["paint"](bunny.rgb), Move(7, -4))
    alpha = np.zeros(key.shape[:2], np.float32)
    alpha[:, 90:] = 1
    seen = np.where(alpha[..., None] > 0, key, bunny.rgb)
    found = find(bunny.rgb, seen, alpha)
    assert found.verdict == "moved" and off(found, field) < 0.5


def test_the_words_say_which_way(bunny):
    key, _ = moved(KEYS["recolor"](bunny.rgb), Move(-4.2, 0, 1.013))
    assert find(bunny.rgb, key).note(45) == (
        "The picture of key 45 was moved 4.2 px left and enlarged 1.3 %: set back."
    )


@pytest.mark.parametrize("kind", ["noise", "flat", "turned"])
def test_a_key_of_something_else_is_said(bunny, kind):
    random = np.random.default_rng(0)
    keys = {
        "noise": random.integers(0, 255, bunny.rgb.shape, dtype=np.uint8),
        "flat": np.full_like(bunny.rgb, 90),
        "turned": np.ascontiguousarray(bunny.rgb[::-1, ::-1]),
    }
    found = find(bunny.rgb, keys[kind])
    assert found.warp is None and "used as it is" in found.note(0)


def test_a_small_picture_is_not_judged(bunny):
    small = cv2.resize(bunny.rgb, (40, 30))
    assert find(small, small).verdict == "unlike"
