"""Queries, keys and values of a self-attention by one product of matrices: a third of the starts and reads on a GPU."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from restrip.looks.diffusion.consistency.attention_math import joined, projected


class SelfAttention:
    """Takes the place of diffusers' processor where projections are fused."""

    def __call__(self, attn: Any, hidden_states: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As diffusers asks it."""
        return joined(attn, F.scaled_dot_product_attention(*projected(attn, hidden_states)))


class ProjectionPart(torch.nn.Module):
    """One third of a fused projection, by itself."""

    def __init__(self, whole: torch.nn.Linear, number: int) -> None:
        super().__init__()
        self._whole = (whole,)  # which isn't a part of this
        self.number = number

    @property
    def weight(self) -> torch.Tensor:
        """Its rows of the weights."""
        return self._whole[0].weight.chunk(3)[self.number]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As the layer that it was."""
        return F.linear(x, self.weight)


def fuse(network: Any) -> None:
    """Fuse the projections of a UNet's self-attentions, in no more memory. Packed ones and those with a bias stay."""
    for name, attn in network.named_modules():
        if name.endswith("attn1") and all(_simple(part) for part in (attn.to_q, attn.to_k, attn.to_v)):
            parts = [attn.to_q.weight, attn.to_k.weight, attn.to_v.weight]
            whole = torch.nn.Linear(parts[0].shape[1], sum(len(part) for part in parts), bias=False, device="meta")
            whole.weight = torch.nn.Parameter(torch.cat(parts), requires_grad=False)
            attn.to_qkv, attn.fused_projections = whole, True
            attn.to_q, attn.to_k, attn.to_v = (ProjectionPart(whole, n) for n in range(3))
            attn.set_processor(SelfAttention())


def _simple(part: Any) -> bool:
    return type(part) is torch.nn.Linear and part.bias is None and part.weight.is_floating_point()
