from __future__ import annotations

import numpy as np

from restrip.looks.diffusion.consistency.kinds import Kinds, places_of

LEFT, RIGHT = (0.5, 0.5, 0.5), (0.2, 0.5, 0.1)


def frame(left: tuple[float, ...], right: tuple[float, ...], share: float) -> np.ndarray:
    picture = np.empty((96, 128, 3), np.float32)
    picture[...] = right
    picture[:, : round(share * 128)] = left
    return picture


def test_places_of_a_kind_are_found_wherever_they_lie() -> None:
    mine, theirs = places_of(frame(LEFT, (0.9, 0.2, 0.6), 0.5)), places_of(frame(RIGHT, LEFT, 0.7))
    kinds = Kinds.between(mine, theirs)
    assert kinds.sure.shape == (36, 48, 1)
    assert kinds.sure[:, :20].min() > 0.95 and kinds.sure[:, 28:].max() < 0.01


def test_a_stroke_or_two_say_nothing_of_a_kind() -> None:
    whole, theirs = frame(LEFT, LEFT, 1.0), frame(RIGHT, RIGHT, 1.0)
    sure = []
    for side in (4, 8, 16, 32):
        theirs[:side, :side] = LEFT
        sure.append(float(Kinds.between(places_of(whole), places_of(theirs)).sure.mean()))
    assert sure == sorted(sure) and sure[0] < 0.1 and sure[-1] > 0.9


def test_differences_are_those_of_means_over_a_kind() -> None:
    """Whatever else is painted beside, and how strokes lie within it."""
    places = places_of(frame(LEFT, RIGHT, 0.25)), places_of(frame(LEFT, RIGHT, 0.75))
    kinds, strokes = Kinds.between(*places), np.random.default_rng(1)
    mine, theirs = (np.zeros((*of.shape[:2], 2), np.float32) for of in places)
    mine[:, :12], mine[:, 12:] = (3, 0), (7, 7)
    theirs[:, :36], theirs[:, 36:] = (5, -1), (1, 2)
    for painted in (mine, theirs):
        painted += strokes.normal(0, 0.1, painted.shape)
    off = kinds.difference(theirs.reshape(-1, 2), mine.reshape(-1, 2))
    assert np.abs(off[:, :11] - (2, -1)).max() < 0.1 and np.abs(off[:, 14:] - (-6, -5)).max() < 0.1
