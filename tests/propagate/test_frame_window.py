"""What goes in and comes out."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.media.frame import Frame, SizeMismatch
from restrip.propagate import StyledKey


def frame(width: int, height: int) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8))


def test_a_key_and_its_picture_have_one_size():
    assert StyledKey(3, frame(5, 4), frame(5, 4)).frame == 3
    with pytest.raises(SizeMismatch, match="Key 3"):
        StyledKey(3, frame(5, 4), frame(4, 5))
