from __future__ import annotations

import numpy as np
import pytest

from restrip.looks.look_file.given_anchor import GivenAnchor, covering
from restrip.media import Frame
from restrip.timeline import Key


def frame(value: int, size: tuple[int, int] = (8, 6)) -> Frame:
    return Frame(np.full((size[1], size[0], 3), value, np.uint8))


def test_only_the_very_same_key_is_the_anchor_itself() -> None:
    given = GivenAnchor(frame(1), frame(9), "a fox", 7, "x", "moody")
    found = given.picture_of(frame(1), Key(3, "a fox", 7))
    assert found is not None and found.rgb[0, 0, 0] == 9
    alpha = np.full((6, 8), 50, np.uint8)
    with_alpha = given.picture_of(Frame(frame(1).rgb, alpha), Key(3, "a fox", 7))
    assert with_alpha is not None and with_alpha.alpha is alpha
    for other, key in (
        (frame(2), Key(3, "a fox", 7)),
        (frame(1).with_depth(True), Key(3, "a fox", 7)),
        (frame(1, (6, 8)), Key(3, "a fox", 7)),
        (frame(1), Key(3, "a hare", 7)),
        (frame(1), Key(3, "a fox", 8)),
    ):
        assert given.picture_of(other, key) is None


@pytest.mark.parametrize(("size", "shape"), [((4, 3), (6, 8)), ((3, 4), (6, 4)), ((16, 3), (1, 8)), ((100, 1), (1, 8))])
def test_the_middle_of_another_shape_is_taken(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert covering(frame(1), size).rgb.shape[:2] == shape
