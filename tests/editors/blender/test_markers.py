"""Timeline markers as keys: which count, and what their names ask for. No Blender here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from restrip.timeline import FrameRange


@dataclass
class Marker:
    """As Blender's."""

    frame: int
    name: str


@pytest.mark.parametrize(
    ("name", "prompt", "seed"),
    [
        ("K", None, None),
        ("F_12", None, None),
        ("Kitchen: wide", None, None),
        ("K (motion)", None, None),
        ("K: a fox in the snow", "a fox in the snow", None),
        ("K3 (cut): a fox, red", "a fox, red", None),
        ("K: a fox seed: 7", "a fox", 7),
        ("K: seed=4294967295, a fox", "a fox", 4294967295),
        ("K: a fox, Seed = 12, in the snow", "a fox, in the snow", 12),
        ("K: seed: 7", None, 7),
        ("K: poppyseed: 7", "poppyseed: 7", None),
        ("K: a seed of 7", "a seed of 7", None),
    ],
)
def test_a_name_brings_prompt_and_seed(
    name: str, prompt: str | None, seed: int | None, load: Callable[[str], Any]
) -> None:
    key = load("timeline.markers").key_at(name, 4, {})
    assert (key.frame, key.prompt, key.seed, key.image, key.name) == (4, prompt, seed, None, name)


def test_a_painted_picture_is_the_whole_of_its_name(load: Callable[[str], Any]) -> None:
    key = load("timeline.markers").key_at("K: seed: 7.png", 4, {"K: seed: 7.png": "/pictures/seed: 7.png"})
    assert (key.prompt, key.seed, key.image) == (None, None, "/pictures/seed: 7.png")


def test_markers_outside_or_without_k_are_left_out(load: Callable[[str], Any]) -> None:
    marks = [Marker(30, "K: b"), Marker(5, "K"), Marker(20, "note"), Marker(15, "K2"), Marker(31, "K")]
    span = FrameRange(10, 31)
    keys, notes = load("timeline.markers").keys_in(marks, span, only_named=True, images={})
    assert [(key.frame, key.prompt) for key in keys] == [(5, None), (20, "b")]
    assert "2 markers" in notes[0]
    assert load("timeline.markers").count_in(marks, span, only_named=True) == 2
    assert load("timeline.markers").count_in(marks, span, only_named=False) == 3


def test_a_marker_keeps_its_name_and_gets_a_number_only_among_namesakes(load: Callable[[str], Any]) -> None:
    markers = load("timeline.markers")
    assert markers.own_name("F_60", {"K"}) == "F_60"
    assert markers.own_name("K", {"K", "K2"}) == "K3"
    assert markers.own_name("F_60", {"F_60"}) == "F_60 2"
    assert len(markers.own_name("a" * 63, {"a" * 63})) == 63
    marks = [Marker(60, "F_60"), Marker(61, "note")]
    assert markers.count_in(marks, FrameRange(50, 70), only_named=True, images={"F_60"}) == 1
    keys, _ = markers.keys_in(marks, FrameRange(50, 70), only_named=True, images={"F_60": "/wave.png"})
    assert [(key.frame, key.image) for key in keys] == [(10, "/wave.png")]
