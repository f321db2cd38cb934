from __future__ import annotations

import copy

import pytest
import torch

from restrip.looks.diffusion.checkpoints.weights.packed import EIGHTS, HALVES, Packed, PackedLinear

torch.manual_seed(2)
WEIGHT, X = torch.randn(12, 8), torch.randn(3, 8)


@pytest.mark.parametrize("dtype", [*EIGHTS, *HALVES])
def test_a_layer_computes_with_what_is_stored(dtype: torch.dtype) -> None:
    stored, bias = WEIGHT.to(dtype), torch.randn(12)
    layer = PackedLinear(Packed.of_floats(stored), bias)
    assert torch.equal(layer(X), torch.nn.functional.linear(X, stored.float(), bias))
    assert torch.equal(layer.weight, stored.float())
    assert layer.data.numel() == WEIGHT.numel() * stored.element_size()
    assert layer(X.bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("rows", [1, 12])
def test_scales_of_the_whole_and_of_rows(rows: int) -> None:
    scale = torch.rand(rows) + 0.1
    stored = (WEIGHT / scale[:, None]).to(torch.float8_e4m3fn)
    packed = Packed.of_floats(stored, scale)
    expected = stored.float() * scale[:, None]
    assert torch.allclose(packed.unpacked(torch.float32), expected)
    parts = torch.cat([part.unpacked(torch.float32) for part in packed.chunk(3)])
    assert torch.allclose(parts, expected)


def test_casts_and_copies_leave_the_bytes_alone() -> None:
    layer = PackedLinear(Packed.of_floats(WEIGHT.bfloat16()), torch.ones(12))
    before = layer.data.clone()
    other = torch.nn.Module.to(copy.deepcopy(layer), torch.float32)
    assert other.data.data_ptr() == layer.data.data_ptr() and torch.equal(other.data, before)
    assert torch.equal(other(X), layer(X))
    other.add(torch.randn(2, 8), torch.randn(12, 2))
    assert not torch.equal(other(X), layer(X)) and torch.equal(layer.data, before)
    assert torch.allclose(other(X), torch.nn.functional.linear(X, other.weight, other.bias), atol=1e-5)


def test_it_can_become_another_weight() -> None:
    layer = PackedLinear(Packed.of_floats(WEIGHT.to(torch.float8_e4m3fn), torch.tensor([2.0])))
    layer.add(torch.ones(1, 8), torch.ones(12, 1))
    layer.become(layer.weight)
    expected = (WEIGHT.to(torch.float8_e4m3fn).float() * 2 + 1).bfloat16().float()
    assert torch.equal(layer.weight, expected) and not len(layer.added)
