from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from restrip.looks.tiles import OVERLAP_PX, paint_tiles, starts


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
    """As instance normalisation does, the painter stretches each tile's contrast by what it sees."""
    rng = np.random.default_rng(3)
    ramp = np.linspace(0, 1, 600, dtype=np.float32)[None, :, None]
    rgb = np.repeat(np.clip(0.25 + 0.4 * ramp + 0.1 * rng.random((300, 600, 1), np.float32), 0, 1), 3, axis=2)

    def normalising(tile):
        return np.clip(0.5 + (tile - tile.mean()) / (4 * tile.std() + 1e-3), 0, 1)

    painted = paint_tiles(rgb, 200, normalising)
    columns = painted.mean(axis=(0, 2))
    steps = np.abs(np.diff(columns.reshape(60, 10).mean(axis=1)))
    assert columns[-20:].mean() > columns[:20].mean() + 0.3
    assert steps.max() < 0.05
    assert painted[:, 250:350].std() > 0.02
