from __future__ import annotations

import numpy as np
import torch

from restrip.looks.diffusion.runtime.image_tensors import as_unit, to_coded, to_frame, to_matte, to_picture
from restrip.media.frame import Frame


def test_there_and_back_is_the_same_to_the_bit(picture: Frame) -> None:
    for source in (picture, picture.with_depth(True)):
        there = to_picture(source, source.size)
        assert there.shape == (3, 48, 64) and there.dtype == torch.float32
        assert float(there.min()) >= -1 and float(there.max()) <= 1
        assert np.array_equal(to_frame(to_coded(there), source).rgb, source.rgb)


def test_sizes_and_clipping(picture: Frame) -> None:
    small = to_picture(picture, (32, 24))
    assert small.shape == (3, 24, 32)
    out = to_frame(to_coded(small * 3), picture)
    assert out.size == picture.size and out.rgb.min() == 0 and out.rgb.max() == 255


def test_a_matte_keeps_the_source_where_it_is_black(picture: Frame) -> None:
    matte = np.zeros((48, 64), np.float32)
    matte[:, :10] = 0.01
    out = to_frame(np.zeros((48, 64, 3), np.float32), picture, matte)
    assert not out.rgb[:, :10].any() and np.array_equal(out.rgb[:, 10:], picture.rgb[:, 10:])


def test_mattes_of_every_kind() -> None:
    for white, kind in ((255, np.uint8), (65535, np.uint16), (1, np.float32)):
        assert float(as_unit(np.full((4, 4), white, kind)).max()) == 1.0
    assert to_matte(np.full((48, 64), 255, np.uint8), (16, 12)).shape == (1, 12, 16)
