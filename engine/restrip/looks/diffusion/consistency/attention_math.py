"""Attention in parts: queries, keys and values of a layer, more of them beside its own, and their statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

# Channels that are added to queries and keys for a strength other than 1: as many as kernels want them in multiples of.
ADDED = 8


def projected(attn: Any, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Queries, keys and values [rows, heads, tokens, channels] of `hidden` [rows, tokens, channels]."""
    if getattr(attn, "fused_projections", False):
        parts = attn.to_qkv(hidden).chunk(3, dim=-1)
    else:
        parts = attn.to_q(hidden), attn.to_k(hidden), attn.to_v(hidden)
    query, key, value = (values.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for values in parts)
    return query, key, value


def joined(attn: Any, out: torch.Tensor) -> torch.Tensor:
    """What an attention gives, of its heads' [rows, heads, tokens, channels]."""
    done: torch.Tensor = attn.to_out[0](out.transpose(1, 2).flatten(2)) / attn.rescale_output_factor
    return done


def beside(own: torch.Tensor, anchor: torch.Tensor) -> torch.Tensor:
    """Own tokens [groups * rows, heads, tokens, channels] and behind them the anchor's, [groups, ...] as they are."""
    groups = len(anchor)
    rows = own.unflatten(0, (groups, -1))
    return torch.cat([rows, anchor[:, None].expand(-1, rows.shape[1], -1, -1, -1)], dim=3).flatten(0, 1)


def weighed(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, weights: Sequence[tuple[int, float]]
) -> torch.Tensor:
    """Attention to keys of which those behind the own ones, as many as there are queries, have `weights`: so many of
    them weigh so much, and so on.

    `query` is [rows, heads, tokens, channels], as is what is given; `keys` and `values` have more tokens. A weight is
    what a token counts where an own one has 1. Its logarithm is one more channel of queries and keys, which costs less
    than a mask of all pairs.
    """
    first, channels = query.shape[-2:]
    query, keys, values = (F.pad(part, (0, ADDED)) for part in (query, keys, values))
    query[..., channels] = 1
    for tokens, weight in weights:
        keys[..., first : first + tokens, channels] = math.log(max(weight, 1e-4)) * math.sqrt(channels)
        first += tokens
    return F.scaled_dot_product_attention(query, keys, values, scale=1 / math.sqrt(channels))[..., :channels]


def like(values: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Rows of every group with their group's mean and spread over tokens (AdaIN, Huang and Belongie 2017; Hertz et al.
    2024).

    `values` are [groups * rows, heads, tokens, channels], `mean` and `std` [groups, heads, 1, channels].
    """
    own_mean, own_std = moments(values)
    rows = len(values) // len(mean)
    mean, std = (part.repeat_interleave(rows, dim=0) for part in (mean, std))
    return (values - own_mean) / (own_std + 1e-5) * std + mean


def moments(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and spread over tokens of [rows, heads, tokens, channels]."""
    return values.mean(dim=2, keepdim=True), values.std(dim=2, keepdim=True)
