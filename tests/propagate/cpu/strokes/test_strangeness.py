"""How strange two keys are to each other."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import constant_flow, negative, styled, texture

from restrip.media.frame import Frame
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.strokes.strangeness import strangeness
from restrip.propagate.strangeness import AGREED, ALIKE, APART, FEW, STRANGE, Strangeness, crispness

SIZE = (120, 90)


def frame_of(picture: np.ndarray) -> Frame:
    return Frame(np.ascontiguousarray(picture))


def measured(left: np.ndarray, right: np.ndarray, source: np.ndarray | None = None) -> float:
    """Two pictures of one frame, overall."""
    frame = texture(SIZE) if source is None else source
    a, b = styled([frame], 0, left), styled([frame], 0, right)
    return strangeness(a, Exemplar.of(b.source, b.picture), constant_flow(SIZE, 0, 0)).overall


def test_the_same_is_not_strange_and_strangers_are():
    look = negative(texture(SIZE))
    assert measured(look, look) < 0.001
    assert measured(texture(SIZE, 1), texture(SIZE, 2)) > 0.85


def test_colours_without_detail_are_not_strange():
    plain = [np.full((SIZE[1], SIZE[0], 3), value, np.uint8) for value in (60, 200)]
    assert measured(*plain) < 0.01


def test_between_it_grows_with_what_differs():
    one, other = texture(SIZE, 1).astype(np.float32), texture(SIZE, 2).astype(np.float32)
    mixed = [measured(np.uint8(one), np.uint8(one + part * (other - one))) for part in (0.1, 0.3, 0.6, 1)]
    assert mixed == sorted(mixed)
    assert mixed[0] < ALIKE < STRANGE < mixed[-1]


def test_places_that_are_not_known_do_not_count():
    frame, look = texture(SIZE), texture(SIZE, 1)
    left, right = look.copy(), look.copy()
    right[:, 60:] = texture(SIZE, 2)[:, 60:]
    source = frame.copy()
    source[:, 60:] = texture(SIZE, 9)[:, 60:]
    a, b = styled([source], 0, left), styled([frame], 0, right)
    found = strangeness(a, Exemplar.of(b.source, b.picture), constant_flow(SIZE, 0, 0)).overall
    assert found < 0.1 < measured(left, right)


def test_what_stands_still_hardly_counts():
    frame = texture((240, 120))
    left = texture((240, 120), 1)
    right = left.copy()
    right[:, 160:] = texture((240, 120), 2)[:, 160:]
    source = frame.copy()
    source[:, 160:] = np.roll(frame, 4, 1)[:, 160:]  # moves by four pixels, two strokes' width
    flow = np.zeros((120, 240, 2), np.float32)
    standing, moving = flow.copy(), flow.copy()
    moving[:, 160:, 0] = 4
    a, b = styled([frame], 0, left), styled([source], 0, np.roll(right, 4, 1))
    found = strangeness(a, Exemplar.of(b.source, b.picture), moving)
    assert found.overall > 2 * ALIKE
    unmoved = strangeness(a, Exemplar.of(frame_of(frame), frame_of(right)), standing)
    assert unmoved.overall < 0.7 * found.overall


def test_each_place_has_a_strangeness_of_its_own():
    size = (240, 120)
    left = texture(size, 1)
    right = left.copy()
    right[:, 160:] = texture(size, 2)[:, 160:]
    a, b = styled([texture(size)], 0, left), styled([texture(size)], 0, right)
    found = strangeness(a, Exemplar.of(b.source, b.picture), constant_flow(size, 0, 0))
    assert found.places[:, :110].max() < AGREED[0]
    assert found.places[:, 190:].min() > APART[0]
    assert found.parts[:, :110].max() == 0 and found.parts[:, 190:].min() == 1


@pytest.mark.parametrize(("overall", "place", "part"), [(0.5, 0.02, 0), (0.5, 0.1, 1), (0.1, 0.6, 0), (0.1, 1.0, 1)])
def test_a_place_is_whole_by_how_strange_it_is_among_keys_as_strange(overall, place, part):
    half = np.full((20, 30), 0.0 if part else 1.0, np.float32)
    half[:, :15] = place
    assert (Strangeness(overall, half).parts[:, :15] == part).all()


def test_a_few_places_are_not_worth_both():
    places = np.full((100, 100), 0.02, np.float32)
    places[:1, :] = 1.0
    assert FEW > 0.01 and not Strangeness(0.1, places).parts.any()
    assert (Strangeness(0.5, 1 - places).parts == 1).all()


@pytest.mark.parametrize(
    ("strange", "asked", "part"),
    [(0.9, "smooth", 0), (0, "crisp", 1), (0, "auto", 0), (1, "auto", 1), (None, "auto", 0)],
)
def test_what_is_asked_decides_and_else_the_strangeness(strange, asked, part):
    found = None if strange is None else Strangeness(strange, np.full((90, 120), strange, np.float32))
    parts = crispness(found, asked, SIZE)
    assert parts.shape == (90, 120) and (parts == part).all()


def test_from_alike_to_strange_it_rises_without_a_step():
    places = np.full((4, 4), 0.3, np.float32)
    parts = [float(Strangeness(ALIKE + (STRANGE - ALIKE) * n / 40, places).parts[0, 0]) for n in range(41)]
    assert parts == sorted(parts) and parts[0] == 0 and parts[-1] == 1
    assert max(np.diff(parts)) < 0.08
