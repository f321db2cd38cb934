from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from restrip.looks.style_transfer.tiles import OVERLAP_PX, paint_tiles, starts


@pytest.mark.parametrize("length", [1, 383, 384, 385, 500, 768, 1000, 2048])
def test_tiles_cover_a_side_and_overlap(length):
    at = starts(length, 384)
    assert at[0] == 0 and at[-1] + min(384, length) == length
    assert all(b - a <= 384 - OVERLAP_PX for a, b in pairwise(at))


def test_a_small_picture_is_one_tile(bunny):
    rgb = bunny.rgb.astype(np.float32) / 255
    seen = []
    painted = paint_tiles(rgb, 384, lambda tile: seen.append(tile.shape) or tile * 0.5)
    assert seen == [(180, 320, 3)]
    np.testing.assert_array_equal(painted, rgb * 0.5)


def test_a_painter_that_treats_every_pixel_alike_gives_the_same_picture_in_tiles():
    y, x = np.mgrid[:300, :500].astype(np.float32)
    rgb = np.stack([x / 500, y / 300, (x + y) / 800], axis=2)
    painted = paint_tiles(rgb, 200, lambda tile: 1 - tile)
    assert np.abs(painted - (1 - rgb)).max() < 0.01


def test_tiles_that_were_painted_in_other_colours_take_those_of_the_whole():
    """As instance normalisation does, the painter takes out the mean of what it sees."""
    noise = np.random.default_rng(3).random((300, 900, 1), np.float32) - 0.5
    thirds = np.repeat(np.array([0.3, 0.5, 0.7], np.float32), 300)[None, :, None]
    rgb = np.repeat(thirds + 0.2 * noise, 3, axis=2)

    def normalising(tile):
        return np.clip(0.5 + tile - tile.mean(), 0, 1)

    painted = paint_tiles(rgb, 300, normalising)
    means = [painted[:, at : at + 200].mean() for at in (50, 350, 650)]
    np.testing.assert_allclose(means, [0.3, 0.5, 0.7], atol=0.02)
    assert painted[:, 50:250].std() > 0.9 * rgb[:, 50:250].std()
