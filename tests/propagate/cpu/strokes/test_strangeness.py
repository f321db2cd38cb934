"""How strange two keys are to each other."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import constant_flow, negative, styled, texture

from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.strokes.strangeness import strangeness
from restrip.propagate.strangeness import ALIKE, STRANGE, crispness

SIZE = (120, 90)


def measured(left: np.ndarray, right: np.ndarray, source: np.ndarray | None = None) -> float:
    """Two pictures of one frame."""
    frame = texture(SIZE) if source is None else source
    a, b = styled([frame], 0, left), styled([frame], 0, right)
    return strangeness(a, Exemplar.of(b.source, b.picture), constant_flow(SIZE, 0, 0))


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
    found = strangeness(a, Exemplar.of(b.source, b.picture), constant_flow(SIZE, 0, 0))
    assert found < 0.1 < measured(left, right)


@pytest.mark.parametrize(
    ("strange", "asked", "part"), [(0.9, "smooth", 0), (0, "crisp", 1), (0, "auto", 0), (1, "auto", 1)]
)
def test_what_is_asked_decides_and_else_the_strangeness(strange, asked, part):
    assert crispness(strange, asked) == part


def test_from_alike_to_strange_it_rises_without_a_step():
    parts = [crispness(ALIKE + (STRANGE - ALIKE) * n / 20, "auto") for n in range(21)]
    assert parts == sorted(parts) and parts[0] == 0 and parts[-1] == 1 and parts[10] == pytest.approx(0.5)
    assert max(np.diff(parts)) < 0.08
