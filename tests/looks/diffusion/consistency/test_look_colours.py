from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks.diffusion.consistency.look_colours import LookColours

WALL, GRASS, SKY = ((0.5, 0.5, 0.5), (0.25, 0.5, 0.15), (0.6, 0.75, 0.95))
PAINTED = {WALL: (0.65, 0.45, 0.25), GRASS: (0.1, 0.3, 0.35), SKY: (0.9, 0.85, 0.6)}
"""What the look makes of them in the anchor."""


def frame(left: tuple[float, ...], right: tuple[float, ...], share: float = 0.5) -> np.ndarray:
    picture = np.empty((48, 64, 3), np.float32)
    picture[...] = right
    picture[:, : round(share * 64)] = left
    grain = np.random.default_rng(1).normal(0, 0.01, (48, 64, 1))
    return np.clip(picture + grain, 0, 1).astype(np.float32)


ANCHOR = (frame(WALL, GRASS, 0.25), frame(PAINTED[WALL], PAINTED[GRASS], 0.25))


def off(picture: np.ndarray, wanted: tuple[float, ...]) -> float:
    """How far the mean colour is from the wanted one, in CIE Lab."""
    both = np.stack([picture.reshape(-1, 3).mean(0), np.float32(wanted)])[None].astype(np.float32)
    one, other = cv2.cvtColor(both, cv2.COLOR_RGB2LAB)[0]
    return float(np.linalg.norm(one - other))


def test_a_wall_is_painted_as_the_anchors_wall_however_much_of_it_is_shown() -> None:
    shot, own = frame(WALL, SKY, 0.75), frame((0.3, 0.35, 0.5), (0.5, 0.8, 0.9), 0.75)
    made = LookColours.of(*ANCHOR).given(own, shot, 1.0)
    wall = np.s_[4:-4, 4:40]
    assert off(made[wall], PAINTED[WALL]) < off(own[wall], PAINTED[WALL]) / 3
    half = LookColours.of(*ANCHOR).given(own, shot, 0.5)
    assert off(made[wall], PAINTED[WALL]) < off(half[wall], PAINTED[WALL]) < off(own[wall], PAINTED[WALL])
    assert np.abs(LookColours.of(*ANCHOR).given(own, shot, 0.0) - own).max() < 0.01


def test_what_isnt_alike_has_the_colours_that_the_wall_leaves() -> None:
    """The wall is a quarter of the anchor and three quarters of this: the rest is painted as grass."""
    shot, own = frame(WALL, SKY, 0.75), frame((0.3, 0.35, 0.5), (0.5, 0.8, 0.9), 0.75)
    made = LookColours.of(*ANCHOR).given(own, shot, 1.0)
    sky = np.s_[4:-4, 54:-2]
    grass, wall = off(made[sky], PAINTED[GRASS]), off(made[sky], PAINTED[WALL])
    assert grass < wall / 2 and grass < off(own[sky], PAINTED[GRASS]) / 3
    assert off(made[4:-4, 4:40], PAINTED[WALL]) < 2


def test_with_nothing_alike_the_whole_has_the_anchors_colours() -> None:
    shot, own = frame((0.9, 0.3, 0.6), SKY), frame((0.3, 0.35, 0.5), (0.5, 0.8, 0.9))
    made = LookColours.of(*ANCHOR).given(own, shot, 1.0)
    assert off(made, ANCHOR[1].mean((0, 1))) < off(own, ANCHOR[1].mean((0, 1))) / 2


def test_the_anchor_itself_stays() -> None:
    assert np.abs(LookColours.of(*ANCHOR).given(ANCHOR[1], ANCHOR[0], 1.0) - ANCHOR[1]).mean() < 0.02


def test_edges_are_the_frames() -> None:
    """What is taken away of a difference ends where the frame's wall ends."""
    shot, own = frame(WALL, SKY), frame((0.3, 0.35, 0.5), (0.5, 0.8, 0.9))
    across = LookColours.of(*ANCHOR).given(own, shot, 1.0).mean((0, 2))
    step = np.abs(np.diff(across))
    assert step.argmax() == 31 and step[31] > 4 * np.delete(step, [30, 31, 32]).max()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_one_colour_is_no_trouble(value: float) -> None:
    flat = np.full((48, 64, 3), value, np.float32)
    for anchor, shot in ((ANCHOR, flat), ((flat, flat), ANCHOR[0]), ((flat, flat), flat)):
        made = LookColours.of(*anchor).given(shot, shot, 1.0)
        assert np.isfinite(made).all() and made.min() >= 0 and made.max() <= 1
