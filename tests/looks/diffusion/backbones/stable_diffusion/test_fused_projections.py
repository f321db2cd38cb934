from __future__ import annotations

import copy

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.stable_diffusion.fused_projections import fuse
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.consistency.anchor_features import AnchorBank

X, T = torch.randn(3, 4, 12, 16, generator=torch.Generator().manual_seed(0)), torch.full((3,), 300.0)


class Products(TorchDispatchMode):
    """Counts products of matrices."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func.overloadpacket in (torch.ops.aten.mm, torch.ops.aten.linear)
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def networks():
    unet = open_model(find_checkpoint("tiny")).network
    fused = copy.deepcopy(unet)
    fuse(fused)
    return unet, fused


def asked(network) -> torch.Tensor:
    text = torch.randn(3, 5, network.config.cross_attention_dim, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return network(X, T, encoder_hidden_states=text, return_dict=False)[0]


def test_fused_projections_give_the_same_with_fewer_products(networks) -> None:
    counts, out = [], []
    for network in networks:
        with Products() as products:
            out.append(asked(network))
        counts.append(products.count)
    attentions = sum(name.endswith("attn1") for name, _ in networks[0].named_modules())
    assert torch.allclose(*out, atol=1e-5) and not torch.equal(out[0], 0 * out[0])
    assert attentions > 0 and counts[0] - counts[1] == 2 * attentions


def test_they_take_no_more_memory_and_follow_their_network(networks) -> None:
    sizes = [sum(value.numel() for value in network.parameters()) for network in networks]
    assert sizes[0] == sizes[1]
    moved = torch.nn.Module.to(copy.deepcopy(networks[1]), torch.float64)
    attn = next(part for name, part in moved.named_modules() if name.endswith("attn1"))
    assert attn.to_k.weight.dtype == torch.float64
    assert attn.to_k.weight.data_ptr() != networks[1].get_submodule("mid_block").attentions[0].proj_in.weight.data_ptr()
    hidden = torch.randn(1, 3, attn.to_qkv.in_features, dtype=torch.float64)
    thirds = attn.to_qkv(hidden).chunk(3, dim=-1)
    for part, third in zip((attn.to_q, attn.to_k, attn.to_v), thirds, strict=True):
        assert torch.allclose(part(hidden), third)
    attn.to_qkv.weight.zero_()
    assert (
        not attn.to_v.weight.any() and networks[1].mid_block.attentions[0].transformer_blocks[0].attn1.to_v.weight.any()
    )


def test_an_anchor_is_seen_as_before(networks) -> None:
    out = []
    for network in networks:
        attention, bank = AnchorAttention(network, 0.7, True), AnchorBank()
        with torch.inference_mode(), attention.among(network, bank, 1, 3):
            first = asked(network)
            attention.keep(bank)
        with torch.inference_mode(), attention.among(network, bank):
            attention.load(network, bank)
            out.append((first, asked(network)))
    for a, b in zip(*out, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_packed_weights_stay(networks) -> None:
    other = copy.deepcopy(networks[0])
    for name, part in other.named_modules():
        if name.endswith("attn1"):
            part.to_k = torch.nn.Sequential(part.to_k)
    fuse(other)
    assert torch.equal(asked(other), asked(networks[0]))
