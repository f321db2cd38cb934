"""What goes in and comes out."""

from __future__ import annotations

import numpy as np
import pytest

from restrip.media.frame import Frame, SizeMismatch
from restrip.propagate import StyledKey
from restrip.propagate.frame_window import with_alpha_of


def frame(width: int, height: int) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8))


def test_a_key_and_its_picture_have_one_size():
    assert StyledKey(3, frame(5, 4), frame(5, 4)).frame == 3
    with pytest.raises(SizeMismatch, match="Key 3"):
        StyledKey(3, frame(5, 4), frame(4, 5))


@pytest.mark.parametrize("deep", [False, True])
def test_a_picture_has_its_sources_alpha_in_its_own_depth(deep):
    rgb = np.zeros((4, 5, 3), np.uint16 if deep else np.uint8)
    source = Frame(np.zeros((4, 5, 3), np.uint8), np.full((4, 5), 51, np.uint8))
    alpha = with_alpha_of(source, rgb).alpha
    assert alpha is not None and alpha.dtype == rgb.dtype and np.all(alpha == (51 * 257 if deep else 51))
    assert with_alpha_of(frame(5, 4), rgb).alpha is None and with_alpha_of(None, rgb).alpha is None
