from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from restrip.media import Frame
from restrip.registration.find import LOST_PX, _starts, compare, find
from restrip.registration.search import Guess
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


def contours(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(255 - cv2.Canny(rgb, 60, 140), cv2.COLOR_GRAY2RGB)


@pytest.mark.parametrize(
    "drawn",
    [
        lambda rgb: cv2.stylization(rgb, sigma_s=60, sigma_r=0.45),
        lambda rgb: cv2.pencilSketch(rgb, sigma_s=60, sigma_r=0.07, shade_factor=0.05)[1],
        contours,
    ],
    ids=["outlined", "pencil", "contours"],
)
def test_drawn_lines_move_nothing(bunny, drawn):
    """They have edges that the frame hasn't, and colours that say nothing of where it lies."""
    found = find(bunny.rgb, drawn(bunny.rgb))
    assert found.warp is None and found.verdict == "same"


def test_drawn_lines_that_were_shifted_are_set_back(bunny):
    key, field = moved(contours(bunny.rgb), MOVES["shift 13"])
    found = find(bunny.rgb, key)
    assert found.verdict == "moved" and off(found, field) < 0.5


def test_a_smooth_bend_is_found(bunny):
    key, field = moved(KEYS["recolor"](bunny.rgb), Move(wobble=2, x=5))
    found = find(bunny.rgb, key)
    assert "bent by up to" in found.said
    assert off(found, field) < 0.1


def test_a_bend_is_known_where_the_key_has_few_edges_too(bunny):
    """Steps of light lie in flat areas of the frame, whose colours tell where."""
    key, field = moved(KEYS["paint"](bunny.rgb), MOVES["wobble 2"])
    found = find(bunny.rgb, key)
    assert found.verdict == "moved" and off(found, field) < 0.2


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


def test_a_way_back_that_leads_elsewhere_is_another_scenes(bunny, monkeypatch):
    """Chance finds maps for keys of other clips; of another shape, such a key was said to show a part of the frame."""
    key = Frame(np.ascontiguousarray(moved(KEYS["paint"](bunny.rgb), Move(5, -3))[0][:, 40:-40]))
    assert (compare(bunny, key).verdict, compare(bunny, key).way) == ("moved", "inside")
    monkeypatch.setattr("restrip.registration.find._cycle", lambda *_: LOST_PX + 2)
    found = compare(bunny, key)
    assert (found.verdict, found.way, found.warp) == ("unlike", "", None)
    assert found.note(3).startswith("The picture of key 3 can't be compared with its frame")


def strokes(rgb: np.ndarray, seed: int) -> np.ndarray:
    grain = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, rgb.shape).astype(np.float32), (0, 0), 2.5)
    return np.clip(cv2.medianBlur(rgb, 9) + 60 * grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_broad_strokes_move_and_bend_nothing(bunny, seed):
    found = find(bunny.rgb, strokes(bunny.rgb, seed))
    assert (found.verdict, found.warp) == ("same", None)


def test_broad_strokes_turn_nothing_that_was_only_shifted(bunny):
    """They would pretend a turn and a zoom of a pixel at the corners: the shift alone explains as much."""
    key, field = moved(strokes(bunny.rgb, 1), Move(-5.4, 2.9))
    found = find(bunny.rgb, key)
    assert found.said.startswith("moved 5.") and "turned" not in found.said and "%" not in found.said
    assert off(found, field) < 0.5


@pytest.mark.parametrize("shift", [0, 6])
def test_another_pose_is_left_as_it_is_and_said(bunny, shift):
    """A shape as large as a person stands elsewhere, the rest doesn't."""
    height, width = bunny.rgb.shape[:2]
    body = np.zeros((height, width), np.float32)
    cv2.ellipse(body, (width // 2, height // 2), (width // 5, height // 3), 0, 0, 360, 1, -1)
    there = cv2.warpAffine(bunny.rgb, np.float32([[1, 0, 14], [0, 1, 5]]), (width, height))
    here = cv2.warpAffine(body, np.float32([[1, 0, 14], [0, 1, 5]]), (width, height))
    posed = np.where(here[..., None] > 0, there, np.where(body[..., None] > 0, bunny.rgb[:, ::-1], bunny.rgb))
    found = find(bunny.rgb, moved(KEYS["recolor"](posed), Move(shift))[0])
    assert (found.verdict, found.warp) == ("other", None)
    assert "shows other shapes than the frame" in found.note(0)


@pytest.mark.parametrize(
    ("way", "cut"),
    [
        ("inside", lambda key: key[:, 40:-40]),
        ("around", lambda key: cv2.copyMakeBorder(key, 70, 70, 0, 0, cv2.BORDER_CONSTANT)),
        ("", lambda key: cv2.resize(key, (180, 180), interpolation=cv2.INTER_AREA)),
    ],
)
def test_a_key_of_another_shape_lies_as_its_structure_says(bunny, way, cut):
    key = Frame(np.ascontiguousarray(cut(KEYS["paint"](bunny.rgb))))
    found = compare(bunny, key)
    assert (found.verdict, found.way) == ("same", way)
    assert ("stretched" in found.note(0)) == bool(way)


def test_a_guess_is_refined_without_its_shift_too():
    """A pixel of the small picture is many of the large one: a key that was only zoomed isn't lost over them."""
    guess = Warp((160, 90), np.array([[1.1, 0, -1.2], [0, 1.1, 0.9]]))
    starts = _starts([Guess(guess, 0.3), Guess(Warp((160, 90), np.array([[1.1, 0, 0.8], [0, 1.1, 0]])), 0.2)])
    assert [start.affine[0, 0] for start in starts] == [1.1, 1.1, 1.1, 1.0]
    assert not starts[2].affine[:, 2].any() and starts[0].affine[0, 2] == -1.2


def test_a_small_picture_is_not_judged(bunny):
    small = cv2.resize(bunny.rgb, (40, 30))
    assert find(small, small).verdict == "unlike"
