from __future__ import annotations

import numpy as np
import pytest

from restrip.looks.style_transfer.brush_strokes import across, sharpen_across, smooth_along, structure_tensor


def stripes(angle: float, period: float = 8.0, size: int = 64) -> np.ndarray:
    """Stripes that change along `angle`, [size, size, 3] in 0..1."""
    y, x = np.mgrid[:size, :size]
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    return np.repeat(wave[..., None], 3, axis=2).astype(np.float32)


inner = slice(12, -12), slice(12, -12)


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 4, np.pi / 2, 2.5])
def test_the_normal_points_across_the_stripes(angle):
    x, y = across(structure_tensor(stripes(angle), 2.0))
    along = np.abs(x * np.cos(angle) + y * np.sin(angle))[inner]
    assert along.min() > 0.99


@pytest.mark.parametrize("angle", [0.0, 0.5, np.pi / 2])
def test_smoothing_along_stripes_removes_noise_and_keeps_the_stripes(angle):
    clean = stripes(angle)
    noisy = clean + 0.1 * np.random.default_rng(1).standard_normal(clean.shape).astype(np.float32)
    smooth = smooth_along(noisy, across(structure_tensor(noisy, 3.0)), 3.0, 1.0)
    before, after = np.abs(noisy - clean)[inner].mean(), np.abs(smooth - clean)[inner].mean()
    assert after < 0.6 * before
    assert np.ptp(smooth[inner]) > 0.95 * np.ptp(clean[inner])


def test_smoothing_leaves_a_flat_picture_alone():
    flat = np.full((20, 30, 3), 0.3, np.float32)
    smooth = smooth_along(flat, across(structure_tensor(flat, 2.0)), 1.5, 1.0)
    np.testing.assert_allclose(smooth, flat, atol=1e-6)


def test_sharpening_steepens_an_edge_without_overshoot_and_leaves_it_in_place():
    x = np.arange(64)
    ramp = 1 / (1 + np.exp(-(x - 31.5) / 3))
    soft = np.broadcast_to((0.2 + 0.6 * ramp)[None, :, None], (32, 64, 3)).astype(np.float32)
    normal = across(structure_tensor(soft, 2.0))
    sharp = soft
    for _ in range(4):
        sharp = sharpen_across(sharp, normal, 1.0, 0.5)
    assert np.diff(sharp[16, :, 0]).max() > 1.3 * np.diff(soft[16, :, 0]).max()
    assert sharp.min() >= soft.min() - 1e-6 and sharp.max() <= soft.max() + 1e-6
    assert sharp[16, 31, 0] + sharp[16, 32, 0] == pytest.approx(1.0, abs=1e-3)
