from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks.diffusion.consistency.anchor_fusion import Carried, fuse, fused_steps, fusion, late_steps
from restrip.looks.diffusion.consistency.key_motion import Motion


def shift(dx: float, dy: float, seen: np.ndarray | None = None, size: tuple[int, int] = (32, 24)) -> Motion:
    """B shows at x what A shows at x + (dx, dy)."""
    flow = np.zeros((size[1], size[0], 2), np.float32)
    flow[...] = (dx, dy)
    return Motion(flow, np.ones((size[1], size[0]), np.float32) if seen is None else seen)


def ramp(w: int = 32, h: int = 24) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
    return torch.stack([x, y, x + y])


def test_pictures_are_carried_by_parts_of_pixels() -> None:
    out = fusion(shift(2.5, -1.25), 4, 1.0).carried(ramp())
    inner = (slice(None), slice(6, 18), slice(6, 20))
    expected = ramp() + torch.tensor([2.5, -1.25, 1.25])[:, None, None]
    assert torch.allclose(out[inner], expected[inner], atol=0.1)


def test_noise_is_carried_whole_and_fresh_where_nothing_is_seen() -> None:
    seen = np.ones((24, 32), np.float32)
    seen[:, 16:] = 0
    noise, fresh = torch.randn(2, 4, 6, 8)
    moved = fusion(shift(4, 0, seen), 4, 1.0).carried_noise(noise, fresh)
    assert torch.equal(moved[..., :4], noise[..., 1:5])
    assert torch.equal(moved[..., 4:], fresh[..., 4:])


def test_weight_fades_inside_what_is_seen() -> None:
    seen = np.ones((24, 32), np.float32)
    seen[:, 20:] = 0
    weight = fusion(shift(0, 0, seen), 4, 0.8).weight[0]
    assert float(weight[12, 2]) == pytest.approx(0.8, abs=1e-3)
    assert 0.3 < float(weight[12, 19]) < 0.6 and float(weight[12, 20]) == 0


def test_steps_are_spread_and_the_last_is_one() -> None:
    assert fused_steps(13) == {4, 7, 10, 12}
    for evaluations in range(1, 60):
        steps = fused_steps(evaluations)
        assert evaluations - 1 in steps and min(steps) >= 0 and len(steps) <= 4


def test_fusing_puts_the_anchors_picture_where_it_is_seen() -> None:
    """With a lossy VAE only the change goes through it: what isn't seen stays to the bit."""
    up, down = torch.nn.Upsample(scale_factor=4), torch.nn.AvgPool2d(4)
    clean = torch.randn(2, 3, 6, 8)
    seen = np.zeros((24, 32), np.float32)
    seen[:, :16] = 1
    source = fusion(shift(0, 0, seen), 4, 1.0)
    anchor = torch.full((3, 24, 32), 5.0)
    out = fuse(clean, [[Carried(source, anchor)], []], lambda z: up(z) * 0.9, lambda p: down(p) * 0.9)
    assert torch.equal(out[1], clean[1])
    assert torch.allclose(out[0, ..., 4:], clean[0, ..., 4:], atol=1e-6)
    assert torch.allclose(out[0, ..., 0], (clean + 0.9 * (5.0 - 0.9 * clean))[0, ..., 0], atol=0.02)


def test_the_last_layer_is_on_top() -> None:
    up, down = torch.nn.Upsample(scale_factor=4), torch.nn.AvgPool2d(4)
    whole, half = shift(0, 0), np.zeros((24, 32), np.float32)
    half[:, :16] = 1
    low = Carried(fusion(whole, 4, 1.0), torch.full((3, 24, 32), 5.0))
    top = Carried(fusion(shift(0, 0, half), 4, 1.0), torch.full((3, 24, 32), 7.0))
    out = fuse(torch.zeros(1, 3, 6, 8), [[low, top]], up, down)[0, 0, 3]
    assert torch.allclose(out[:2], torch.tensor(7.0), atol=0.05)
    assert torch.allclose(out[4:], torch.tensor(5.0), atol=1e-4)


def test_finished_pictures_are_carried_near_the_end() -> None:
    assert late_steps(13) == {10, 12} and late_steps(1) == {0} and late_steps(2) == {0, 1}
    assert all(late_steps(n) <= fused_steps(n) for n in range(1, 60))
