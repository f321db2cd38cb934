"""A key made ready for reading."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import inside, negative, texture

from restrip.media.frame import Frame
from restrip.propagate.cpu.descriptors import describe
from restrip.propagate.cpu.exemplar import Exemplar
from restrip.propagate.cpu.kernels.vote import EDGE, SLOPES

SIZE = (31, 22)


@pytest.mark.parametrize("deep_source", [False, True])
@pytest.mark.parametrize("deep_style", [False, True])
def test_colours_are_packed_whatever_the_depths(deep_source, deep_style):
    source = texture(SIZE, 2)
    style = negative(source)
    as_deep = lambda p, deep: Frame(p.astype(np.uint16) * np.uint16(257) if deep else p)  # noqa: E731
    key = Exemplar.of(as_deep(source, deep_source), as_deep(style, deep_style))
    inner = key.packed[EDGE:-EDGE, EDGE:-EDGE]
    np.testing.assert_array_equal(inner[..., :3], style.astype(np.uint16) * np.uint16(257))
    np.testing.assert_array_equal(inner[..., 3:6], source)
    luma = source.astype(np.float64) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(inner[..., 6], luma * 64, atol=0.51)
    assert (inner[..., 7] == 1).all()
    np.testing.assert_array_equal(key.source, source)
    np.testing.assert_array_equal(key.described, describe(source))


def test_sixteen_bit_styles_keep_their_steps():
    style = np.random.default_rng(0).integers(0, 65536, (22, 31, 3)).astype(np.uint16)
    key = Exemplar.of(Frame(texture(SIZE, 2)), Frame(style))
    np.testing.assert_array_equal(key.packed[EDGE:-EDGE, EDGE:-EDGE, :3], style)
    np.testing.assert_array_equal(key.packed, np.pad(key.packed[2:-2, 2:-2], ((2, 2), (2, 2), (0, 0)), "edge"))


def test_slopes_say_how_the_style_follows_luma():
    ramp = np.repeat(np.tile(np.arange(0, 248, 8, dtype=np.uint8), (22, 1))[..., None], 3, 2)
    style = np.dstack([255 - ramp[..., 0], ramp[..., 1] // 2, np.full((22, 31), 77, np.uint8)])
    slopes = inside(Exemplar.of(Frame(ramp), Frame(style)).slopes, 4) / (SLOPES * 257)
    # 5 x 5 of a ramp of 8 a pixel vary by 128; the ridge takes a little off.
    np.testing.assert_allclose(slopes, np.broadcast_to([-1, 0.5, 0], slopes.shape), atol=0.06)
