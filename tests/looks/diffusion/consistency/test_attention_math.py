from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.consistency.attention_math import beside, like, weighed


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 4.0])
def test_the_strength_as_a_channel_is_a_mask(strength: float) -> None:
    query, keys, values = torch.randn(2, 3, 10, 8), torch.randn(2, 3, 25, 8), torch.randn(2, 3, 25, 8)
    mask = torch.zeros(1, 1, 1, 25)
    mask[..., 10:] = torch.tensor(max(strength, 1e-4)).log()
    mask[..., 21:] = torch.tensor(0.2).log()
    expected = torch.nn.functional.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    assert torch.allclose(weighed(query, keys, values, [(11, strength), (4, 0.2)]), expected, atol=1e-6)


def test_adain_takes_the_anchors_statistics() -> None:
    values, model = torch.randn(4, 3, 50, 4) * 5 + 1, torch.randn(2, 3, 60, 4) * 0.5 - 2
    mean, std = model.mean(2, keepdim=True), model.std(2, keepdim=True)
    out = like(values, mean, std)
    for row in range(4):  # two rows a group
        assert torch.allclose(out[row].mean(1), mean[row // 2, :, 0], atol=1e-4)
        assert torch.allclose(out[row].std(1), std[row // 2, :, 0], atol=1e-4)


def test_each_row_has_its_groups_tokens_behind_its_own() -> None:
    own, anchor = torch.randn(6, 2, 5, 4), torch.randn(2, 2, 3, 4)
    out = beside(own, anchor)
    assert torch.equal(out[:, :, :5], own)
    for row in range(6):  # three rows a group
        assert torch.equal(out[row, :, 5:], anchor[row // 3])
