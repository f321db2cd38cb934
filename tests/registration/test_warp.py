from __future__ import annotations

import json

import numpy as np

from restrip.registration.warp import Shift, Warp, dense, places


def some_warp() -> Warp:
    bend = np.random.default_rng(3).normal(0, 1.0, (6, 7, 2))
    return Warp((64, 48), np.array([[1.02, -0.03, 4.0], [0.03, 1.02, -2.0]]), bend)


def test_points_and_the_whole_field_agree():
    warp = some_warp()
    assert np.allclose(warp.at(places(warp.size).astype(np.float64)), warp.field(), atol=1e-3)


def test_json_brings_it_back():
    warp = some_warp()
    again = Warp.from_json(json.loads(json.dumps(warp.to_json())))
    assert again.size == warp.size and np.allclose(again.field(), warp.field(), atol=1e-3)


def test_at_twice_the_size_everything_is_twice_as_far():
    warp = some_warp()
    twice = warp.scaled((128, 96))
    assert np.allclose(twice.at(twice.centre) - twice.centre, 2 * (warp.at(warp.centre) - warp.centre))


def test_a_bend_of_equal_points_is_a_shift():
    assert np.allclose(dense(np.full((5, 6, 2), 1.5), (30, 20)), 1.5, atol=1e-5)


def test_what_a_map_does_is_told_apart():
    shift = Shift.of(Warp((64, 48), np.array([[1.05, 0, 3.0], [0, 1.05, -1.0]])))
    assert np.allclose((shift.x, shift.y, shift.zoom, shift.turn, shift.bend), (3, -1, 0.05, 0, 0), atol=1e-9)
    assert shift.words() == "moved 3.0 px right and 1.0 px up and enlarged 5.0 %"
    c, s = np.cos(np.radians(2)), np.sin(np.radians(2))
    assert Shift.of(Warp((64, 48), np.array([[c, -s, 0], [s, c, 0]]))).words() == "turned 2.0° clockwise"
    assert "stretched by up to 3.2 px" in Shift.of(Warp((64, 48), np.array([[1.1, 0, 0], [0, 0.9, 0]]))).words()
